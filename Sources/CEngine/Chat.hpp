// What the files of the chat shim share.
#pragma once

#include "include/CChat.h"

#include <common.h>
#include <json.h>

#include <jinja/runtime.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <unistd.h>

namespace shoal {

// A copy on the heap; `bytes` is NULL when memory runs out.
struct shoal_text text_of(const std::string &value);

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

}  // namespace shoal
