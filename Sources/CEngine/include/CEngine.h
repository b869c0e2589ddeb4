// What Swift cannot do with llama.h alone: files that are read through a callback, the tensors that are copied in
// and out in the middle of a graph, and loops over whole rows of logits.
#ifndef SHOAL_CENGINE_H
#define SHOAL_CENGINE_H

#include "CBox.h"
#include "CChat.h"
#include "CGuarded.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

// Copies up to `length` bytes at `offset` into `buffer`. Answers how many, 0 at the end, -1 on an error.
typedef int64_t (*shoal_read_callback)(void *context, int64_t offset, void *buffer, int64_t length);

// A read-only, seekable FILE over a callback. `context` has to outlive it; fclose does not touch `context`.
// NULL when memory runs out.
FILE *shoal_file_open(void *context, int64_t size, shoal_read_callback read);

// What goes into the middle of a graph and what comes out of it, for a window that is not the whole model.
struct shoal_window_hook {
    // Name of the tensor to copy out, as "l_out-7"; empty for none. The computation stops there.
    char output_name[64];
    // f32 values; the caller owns it.
    float *output_values;
    // How many values fit, and how many the last computation gave. More given than fit: `output_given` is 0.
    size_t output_capacity;
    size_t output_given;
    // Name of the tensor to overwrite once it is computed, as "inp_scaled"; empty for none.
    char input_name[64];
    // f32 values, of which the tensor takes as many as it has; the caller owns it.
    const float *input_values;
    size_t input_count;
    // Whether the last computation took them.
    bool input_taken;
};

// A ggml_backend_sched_eval_callback over a shoal_window_hook.
bool shoal_window_callback(struct ggml_tensor *tensor, bool ask, void *hook);

// Index of the largest value; the first one when several are equal, 0 when none is a number.
int32_t shoal_argmax(const float *values, int32_t count);

// Logarithm of the sum of the exponentials, in double precision.
double shoal_log_sum_exp(const float *values, int32_t count);

// The `wanted` largest values, largest first, ties by index. `indices` has room for `wanted`. Answers how many.
int32_t shoal_top(const float *values, int32_t count, int32_t wanted, int32_t *indices);

// Where `wanted` first stands in `text`; -1 where it does not.
int64_t shoal_find(const void *text, size_t length, const void *wanted, size_t wanted_length);

// Sends libllama's log lines to `sink` (level as in ggml_log_level). NULL: drops them.
typedef void (*shoal_log_sink)(int32_t level, const char *text);
void shoal_set_log_sink(shoal_log_sink sink);

// Advances the random numbers of a `llama_sampler_init_dist` sampler by one draw.
void shoal_sampler_draw(struct llama_sampler *distribution);

#ifdef __cplusplus
}
#endif

#endif
