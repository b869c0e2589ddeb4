#define _GNU_SOURCE
#include "CEngine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

struct cookie {
    void *context;
    int64_t size;
    int64_t position;
    shoal_read_callback read;
};

static ssize_t cookie_read(void *opaque, char *buffer, size_t length) {
    struct cookie *cookie = opaque;
    size_t done = 0;
    while (done < length && cookie->position < cookie->size) {
        int64_t got = cookie->read(cookie->context, cookie->position, buffer + done, (int64_t)(length - done));
        if (got < 0) {
            errno = EIO;
            return -1;
        }
        if (got == 0) {
            break;
        }
        cookie->position += got;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int64_t cookie_target(const struct cookie *cookie, int64_t offset, int whence) {
    switch (whence) {
    case SEEK_SET: return offset;
    case SEEK_CUR: return cookie->position + offset;
    case SEEK_END: return cookie->size + offset;
    default: return -1;
    }
}

static int cookie_close(void *opaque) {
    free(opaque);
    return 0;
}

#if defined(__APPLE__)
static int bsd_read(void *opaque, char *buffer, int length) { return (int)cookie_read(opaque, buffer, (size_t)length); }

static fpos_t bsd_seek(void *opaque, fpos_t offset, int whence) {
    struct cookie *cookie = opaque;
    int64_t target = cookie_target(cookie, offset, whence);
    if (target < 0) {
        errno = EINVAL;
        return -1;
    }
    cookie->position = target;
    return target;
}
#else
static int gnu_seek(void *opaque, off64_t *offset, int whence) {
    struct cookie *cookie = opaque;
    int64_t target = cookie_target(cookie, *offset, whence);
    if (target < 0) {
        errno = EINVAL;
        return -1;
    }
    cookie->position = target;
    *offset = target;
    return 0;
}
#endif

FILE *shoal_file_open(void *context, int64_t size, shoal_read_callback read) {
    struct cookie *cookie = malloc(sizeof *cookie);
    if (cookie == NULL) {
        return NULL;
    }
    *cookie = (struct cookie){.context = context, .size = size, .position = 0, .read = read};
#if defined(__APPLE__)
    FILE *file = funopen(cookie, bsd_read, NULL, bsd_seek, cookie_close);
#else
    cookie_io_functions_t functions = {.read = cookie_read, .write = NULL, .seek = gnu_seek, .close = cookie_close};
    FILE *file = fopencookie(cookie, "rb", functions);
#endif
    if (file == NULL) {
        free(cookie);
    }
    return file;
}

bool shoal_window_callback(struct ggml_tensor *tensor, bool ask, void *opaque) {
    struct shoal_window_hook *hook = opaque;
    const char *name = ggml_get_name(tensor);
    bool is_output = hook->output_name[0] != '\0' && strcmp(name, hook->output_name) == 0;
    bool is_input = hook->input_name[0] != '\0' && strcmp(name, hook->input_name) == 0;
    if (ask) {
        return is_output || is_input;
    }
    bool is_plain = tensor->type == GGML_TYPE_F32 && ggml_is_contiguous(tensor);
    size_t count = (size_t)ggml_nelements(tensor);
    if (is_input) {
        if (is_plain && count == hook->input_count) {
            ggml_backend_tensor_set(tensor, hook->input_values, 0, count * sizeof(float));
            hook->input_taken = true;
            return true;
        }
        return false;
    }
    hook->output_given = 0;
    if (is_plain && count <= hook->output_capacity) {
        ggml_backend_tensor_get(tensor, hook->output_values, 0, count * sizeof(float));
        hook->output_given = count;
    }
    return false;
}

int32_t shoal_argmax(const float *values, int32_t count) {
    // The largest value first, in lanes that compilers turn into vectors; then where it stands.
    enum { LANES = 16 };
    float lanes[LANES];
    for (int32_t lane = 0; lane < LANES; lane++) {
        lanes[lane] = -INFINITY;
    }
    int32_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int32_t lane = 0; lane < LANES; lane++) {
            lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
        }
    }
    float largest = -INFINITY;
    for (; i < count; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    for (int32_t lane = 0; lane < LANES; lane++) {
        largest = lanes[lane] > largest ? lanes[lane] : largest;
    }
    for (i = 0; i < count; i++) {
        if (values[i] == largest) {
            return i;
        }
    }
    return 0;
}

double shoal_log_sum_exp(const float *values, int32_t count) {
    float largest = values[shoal_argmax(values, count)];
    double sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += exp((double)(values[i] - largest));
    }
    return (double)largest + log(sum);
}

int32_t shoal_top(const float *values, int32_t count, int32_t wanted, int32_t *indices) {
    int32_t found = 0;
    for (int32_t i = 0; i < count; i++) {
        if (found == wanted && (wanted == 0 || values[i] <= values[indices[found - 1]])) {
            continue;
        }
        int32_t place = found < wanted ? found++ : found - 1;
        while (place > 0 && values[i] > values[indices[place - 1]]) {
            indices[place] = indices[place - 1];
            place--;
        }
        indices[place] = i;
    }
    return found;
}

int64_t shoal_find(const void *text, size_t length, const void *wanted, size_t wanted_length) {
    const char *found = memmem(text, length, wanted, wanted_length);
    return found == NULL ? -1 : found - (const char *)text;
}

static shoal_log_sink current_sink = NULL;

static void forward_log(enum ggml_log_level level, const char *text, void *opaque) {
    (void)opaque;
    if (current_sink != NULL) {
        current_sink((int32_t)level, text);
    }
}

void shoal_set_log_sink(shoal_log_sink sink) {
    current_sink = sink;
    llama_log_set(forward_log, NULL);
}

void shoal_sampler_draw(struct llama_sampler *distribution) {
    // Two candidates: with one, libllama draws nothing.
    llama_token_data data[2] = {{.id = 0, .logit = 0, .p = 0}, {.id = 1, .logit = 0, .p = 0}};
    llama_token_data_array array = {.data = data, .size = 2, .selected = -1, .sorted = false};
    llama_sampler_apply(distribution, &array);
}
