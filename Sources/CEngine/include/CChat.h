// libllama-common's chat layer behind C: conversations to prompts, and what a model writes back to messages. Every function may be
// given anything: what the library throws comes back as a status and a text. Requests and answers are JSON, described where they
// are used (Sources/Engine/Chat).
#ifndef SHOAL_CCHAT_H
#define SHOAL_CCHAT_H

#include <llama.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes on the heap; shoal_text_free frees them.
struct shoal_text {
    char *bytes;
    size_t length;
};
void shoal_text_free(struct shoal_text *text);

enum shoal_chat_status {
    SHOAL_CHAT_OK = 0,
    // The template itself raised: its message is the answer.
    SHOAL_CHAT_RAISED = 1,
    // The template, the conversation or the tools cannot be handled; why is the answer.
    SHOAL_CHAT_FAILED = 2,
    SHOAL_CHAT_NO_MEMORY = 3,
    // More than a limit of the shim allows; which one is the answer.
    SHOAL_CHAT_LIMIT = 4,
};

// The templates of one model, analysed.
struct shoal_chat;

// `source` NULL: the model's own templates, ChatML where it has none. NULL with the reason in `error` where they cannot be read.
struct shoal_chat *shoal_chat_open(
    const struct llama_model *model, const char *source, const char *beginning_of_text, const char *end_of_text,
    enum shoal_chat_status *status, struct shoal_text *error);
void shoal_chat_close(struct shoal_chat *chat);

// What the default template can do: {"tools", "tool_calls", "system_role", "typed_content", …: bool}.
enum shoal_chat_status shoal_chat_capabilities(const struct shoal_chat *chat, struct shoal_text *answer);

// Renders a conversation and works out how its answer is constrained and read.
enum shoal_chat_status shoal_chat_apply(
    struct shoal_chat *chat, const char *request, size_t length, struct shoal_text *answer);

// Reads one answer as it grows.
struct shoal_answer;

// `form`: what shoal_chat_apply gave as "form".
struct shoal_answer *shoal_answer_open(
    const char *form, size_t length, enum shoal_chat_status *status, struct shoal_text *error);
void shoal_answer_close(struct shoal_answer *answer);

// Adds bytes and says what is new: an array of {"content"}, {"reasoning"} and {"index", "id", "name", "arguments"}.
// What was said before never changes: what the library takes back stays said. Bytes that are no UTF-8 become U+FFFD. In long
// answers not every piece is looked at when it comes; the last one always is.
enum shoal_chat_status shoal_answer_append(
    struct shoal_answer *answer, const char *bytes, size_t length, bool is_last, struct shoal_text *deltas);

// Room in the process's address space is bounded from here on: `bytes` more than it has now. False where the system refuses.
bool shoal_limit_memory(uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
