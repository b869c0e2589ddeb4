// Drives libllama directly, as the figures that Shoal is measured against. Loads one model, then answers commands from
// standard input, one per line, each with one number on standard output:
//
//     decode PROMPT COUNT         tokens per second of COUNT greedy decodes after a prompt of PROMPT tokens
//     prefill PROMPT              tokens per second of one prompt
//     batch SEQUENCES PROMPT COUNT  tokens per second, all sequences together, decoding COUNT tokens in each
//
// Usage: direct MODEL THREADS [--rpc]     with --rpc the layers run in two local servers of llama.cpp's RPC back end.

#include <ggml-backend.h>
#include <ggml-rpc.h>
#include <llama.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

enum { CONTEXT = 4096, SEQUENCES = 8, SERVERS = 2 };

static struct llama_model * model;
static struct llama_context * context;
static struct llama_batch batch;
static unsigned int seed = 1;

static void fail(const char * what) {
    fprintf(stderr, "direct: %s\n", what);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void quiet(enum ggml_log_level level, const char * text, void * data) {
    (void) data;
    if (level >= GGML_LOG_LEVEL_ERROR && level < GGML_LOG_LEVEL_CONT) fputs(text, stderr);
}

static void add(llama_token token, int position, int sequence, bool output) {
    int i = batch.n_tokens++;
    batch.token[i] = token;
    batch.pos[i] = position;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = sequence;
    batch.logits[i] = output;
}

static void decode(void) {
    if (llama_decode(context, batch) != 0) fail("llama_decode failed");
}

static llama_token random_token(void) {
    return 2000 + rand_r(&seed) % 28000;
}

static llama_token best(struct llama_sampler * sampler, int row) {
    return llama_sampler_sample(sampler, context, row);
}

// Fills a sequence with random tokens; only the last one yields logits.
static void prompt(int sequence, int count) {
    batch.n_tokens = 0;
    for (int i = 0; i < count; i++) add(random_token(), i, sequence, i == count - 1);
    decode();
}

static double run_decode(struct llama_sampler * sampler, int length, int count) {
    llama_memory_clear(llama_get_memory(context), true);
    prompt(0, length);
    llama_token token = best(sampler, -1);
    double start = now();
    for (int i = 0; i < count; i++) {
        batch.n_tokens = 0;
        add(token, length + i, 0, true);
        decode();
        token = best(sampler, -1);
    }
    return count / (now() - start);
}

static double run_prefill(struct llama_sampler * sampler, int length) {
    llama_memory_clear(llama_get_memory(context), true);
    double start = now();
    prompt(0, length);
    best(sampler, -1);
    return length / (now() - start);
}

static double run_batch(struct llama_sampler * sampler, int sequences, int length, int count) {
    if (sequences > SEQUENCES) fail("too many sequences");
    llama_memory_clear(llama_get_memory(context), true);
    llama_token tokens[SEQUENCES];
    for (int s = 0; s < sequences; s++) {
        prompt(s, length);
        tokens[s] = best(sampler, -1);
    }
    double start = now();
    for (int i = 0; i < count; i++) {
        batch.n_tokens = 0;
        for (int s = 0; s < sequences; s++) add(tokens[s], length + i, s, true);
        decode();
        for (int s = 0; s < sequences; s++) tokens[s] = best(sampler, s);
    }
    return sequences * count / (now() - start);
}

// A port that nobody uses now.
static int free_port(void) {
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    if (bind(handle, (struct sockaddr *) &address, size) != 0) fail("no free port");
    getsockname(handle, (struct sockaddr *) &address, &size);
    close(handle);
    return ntohs(address.sin_port);
}

static bool listens(int port) {
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
    bool connected = connect(handle, (struct sockaddr *) &address, sizeof address) == 0;
    close(handle);
    return connected;
}

// Forks servers that end with this process, and returns their devices.
static void start_servers(int threads, ggml_backend_dev_t * devices) {
    for (int i = 0; i < SERVERS; i++) {
        char endpoint[64];
        int port = free_port();
        snprintf(endpoint, sizeof endpoint, "127.0.0.1:%d", port);
        pid_t child = fork();
        if (child < 0) fail("fork failed");
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (freopen("/dev/null", "w", stdout) == NULL) _exit(1);
            ggml_backend_dev_t processor = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
            ggml_backend_rpc_start_server(endpoint, NULL, threads, 1, &processor);
            _exit(1);
        }
        for (int attempt = 0; !listens(port); attempt++) {
            if (attempt == 500) fail("an RPC server does not listen");
            usleep(10000);
        }
        ggml_backend_reg_t registry = ggml_backend_rpc_add_server(endpoint);
        if (registry == NULL) fail("an RPC server cannot be reached");
        devices[i] = ggml_backend_reg_dev_get(registry, 0);
    }
    devices[SERVERS] = NULL;
}

int main(int count, char ** arguments) {
    if (count < 3) fail("usage: direct MODEL THREADS [--rpc]");
    bool rpc = count > 3 && strcmp(arguments[3], "--rpc") == 0;
    int threads = atoi(arguments[2]);
    llama_log_set(quiet, NULL);

    ggml_backend_dev_t devices[SERVERS + 1] = { NULL };
    struct llama_model_params model_params = llama_model_default_params();
    if (rpc) {
        start_servers(threads, devices);
        model_params.devices = devices;
        model_params.n_gpu_layers = 999;
    }
    llama_backend_init();
    model = llama_model_load_from_file(arguments[1], model_params);
    if (model == NULL) fail("the model does not load");

    // Everything that speed depends on is libllama's default, but for the threads (its default is 4, whatever the machine has).
    struct llama_context_params context_params = llama_context_default_params();
    context_params.n_ctx = CONTEXT;
    context_params.n_seq_max = SEQUENCES;
    context_params.n_threads = threads;
    context_params.n_threads_batch = threads;
    context = llama_init_from_model(model, context_params);
    if (context == NULL) fail("no context");
    batch = llama_batch_init(CONTEXT, 0, 1);
    struct llama_sampler * sampler = llama_sampler_init_greedy();

    run_decode(sampler, 32, 8);  // touches every page
    puts("ready");
    fflush(stdout);

    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        int a, b, c;
        double rate;
        if (sscanf(line, "decode %d %d", &a, &b) == 2) rate = run_decode(sampler, a, b);
        else if (sscanf(line, "prefill %d", &a) == 1) rate = run_prefill(sampler, a);
        else if (sscanf(line, "batch %d %d %d", &a, &b, &c) == 3) rate = run_batch(sampler, a, b, c);
        else { fail("unknown command"); return 1; }
        printf("%.4f\n", rate);
        fflush(stdout);
    }
    return 0;
}
