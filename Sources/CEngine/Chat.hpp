// What the files of the chat shim share.
#pragma once

#include "include/CChat.h"

#include <chat-auto-parser.h>
#include <chat.h>
#include <common.h>
#include <json.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace shoal {

// A copy on the heap; `bytes` is NULL when memory runs out.
struct shoal_text text_of(const std::string &value);

// More than a limit of the shim allows.
struct limit_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Runs `body`, and puts what it returns, or the reason why it could not, into `answer`.
template <typename Body>
enum shoal_chat_status guarded(struct shoal_text *answer, Body body) noexcept {
    *answer = {nullptr, 0};
    try {
        *answer = text_of(body());
        return answer->bytes == nullptr ? SHOAL_CHAT_NO_MEMORY : SHOAL_CHAT_OK;
    } catch (const std::bad_alloc &) {
        return SHOAL_CHAT_NO_MEMORY;
    } catch (const std::exception &error) {
        try {
            const std::string message = error.what();
            *answer = text_of(message);
            if (dynamic_cast<const limit_error *>(&error) != nullptr) {
                return SHOAL_CHAT_LIMIT;
            }
            return message.find("Jinja Exception: ") != std::string::npos ? SHOAL_CHAT_RAISED : SHOAL_CHAT_FAILED;
        } catch (...) {
            return SHOAL_CHAT_NO_MEMORY;
        }
    } catch (...) {
        try {
            *answer = text_of("the library threw what is no error");
        } catch (...) {
            return SHOAL_CHAT_NO_MEMORY;
        }
        return SHOAL_CHAT_FAILED;
    }
}

// To be called where the library is entered: what its templates take of the stack is counted from there.
void mark_stack();

// One template, with what was found out about it; the analysis takes some milliseconds and is made on first use.
struct analysed_template {
    common_chat_template source;

    // Throws `limit_error` for a text that the library's recursive functions could not walk.
    analysed_template(const std::string &text, const std::string &begin, const std::string &end);

    // Prompt, parser and grammar, by the library's own route.
    common_chat_params applied(autoparser::generation_params &parameters);

private:
    std::unique_ptr<autoparser::autoparser> analysis;
};

// Changes of parsers and grammars that the library derives wrongly from some templates, by their shape. Which one is needed, if
// any, is found out by trying (Sources/Engine/Chat/CallForm.swift). False where it does not fit.
constexpr int repairs = 5;
bool repair(common_chat_params &made, int number);

// The grammar with numbers of any length: the library's end after 16 digits.
std::string with_long_numbers(std::string grammar);

// Templates of ours whose calls are texts, for models whose own templates write none: "tool_call", "tool_list".
const char *call_template(const std::string &name);

}  // namespace shoal
