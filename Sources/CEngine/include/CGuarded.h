// libllama's functions that throw, behind C: an exception that reached Swift would end the process. And what tells why a process ends
// that cannot go on.
#ifndef SHOAL_CGUARDED_H
#define SHOAL_CGUARDED_H

#include <llama.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What became of a call. Whatever is not done left a text in `reason`.
enum shoal_outcome {
    SHOAL_DONE = 0,
    SHOAL_THREW = 1,
    SHOAL_NO_MEMORY = 2,
};

// Why a call failed, as UTF-8 that ends with a zero.
struct shoal_reason {
    char text[256];
};

// A sampler that holds answers to a grammar from the start; with `trigger_count` texts, from the first of them on. NULL in `sampler`
// where the grammar does not parse.
enum shoal_outcome shoal_grammar_init(
    const struct llama_vocab *vocab, const char *grammar, const char *const *triggers, size_t trigger_count,
    struct llama_sampler **sampler, struct shoal_reason *reason);

enum shoal_outcome shoal_sampler_apply(
    struct llama_sampler *sampler, llama_token_data_array *candidates, struct shoal_reason *reason);
enum shoal_outcome shoal_sampler_accept(struct llama_sampler *sampler, llama_token token, struct shoal_reason *reason);

// Status of `shoal_decode` where libllama threw.
#define SHOAL_DECODE_THREW (-101)
// llama_decode; an exception is the status SHOAL_DECODE_THREW.
int32_t shoal_decode(struct llama_context *context, struct llama_batch batch);

// llama_tokenize; INT32_MIN where it threw.
int32_t shoal_tokenize(
    const struct llama_vocab *vocab, const char *text, int32_t length, llama_token *tokens, int32_t capacity, bool add_special,
    bool parse_special);

// Ends of this process that its own thread cannot report: called once, early. A thread that marked itself as computing and gets a
// signal that ends processes, or aborts, stops where it is; `shoal_fatal_signal` tells it to others, which say so and end the
// process. Where nobody does within a second, the process ends with `status`.
void shoal_watch_signals(int status);
// Marks the calling thread as one that computes, and gives it a stack for the handler. Answers a number of its own, from 1 on.
int shoal_thread_computes(void);
// The signal that stopped a computing thread, and that thread's number; 0 while all is well.
int shoal_fatal_signal(int *thread);

#ifdef __cplusplus
}
#endif

#endif
