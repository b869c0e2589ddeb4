#include "CGuarded.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <ggml.h>
#include <new>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

// Inside of a call that may end by an exception.
thread_local int guard_depth = 0;
// Number of a computing thread; 0 for others.
thread_local int computing_thread = 0;
std::atomic<int> computing_threads{0};

struct guard {
    guard() { guard_depth++; }
    ~guard() { guard_depth--; }
};

void say(struct shoal_reason *reason, const char *text) {
    if (reason == nullptr) {
        return;
    }
    size_t length = std::min(std::strlen(text), sizeof reason->text - 1);
    std::memcpy(reason->text, text, length);
    reason->text[length] = 0;
}

// libllama's assertions abort the process. Where this file can catch, they are exceptions instead: it calls this function before it
// aborts, through frames of C that have tables for unwinding.
void on_abort(const char *message) {
    if (guard_depth > 0) {
        throw std::runtime_error(message);
    }
    std::fprintf(stderr, "error: libllama aborts: %s\n", message);
}

template <typename Body> enum shoal_outcome guarded(struct shoal_reason *reason, Body body) {
    static const bool is_heard = (ggml_set_abort_callback(on_abort), true);
    (void)is_heard;
    guard inside;
    try {
        body();
        return SHOAL_DONE;
    } catch (const std::bad_alloc &) {
        say(reason, "no memory");
        return SHOAL_NO_MEMORY;
    } catch (const std::exception &error) {
        say(reason, error.what());
        return SHOAL_THREW;
    } catch (...) {
        say(reason, "libllama threw something unknown");
        return SHOAL_THREW;
    }
}

// A text as a regular expression that matches it alone.
std::string escaped(const char *text) {
    std::string pattern;
    for (; *text != 0; text++) {
        if (std::strchr(".^$|()*+?[]{}\\", *text) != nullptr) {
            pattern += '\\';
        }
        pattern += *text;
    }
    return pattern;
}

const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
std::atomic<int> fatal_signal{0};
std::atomic<int> fatal_thread{0};
int fatal_status = 1;

void on_fatal(int number) {
    if (computing_thread == 0) {
        std::signal(number, SIG_DFL);
        std::raise(number);
        return;
    }
    fatal_thread.store(computing_thread);
    fatal_signal.store(number);
    // The thread goes nowhere from here. Others say what it was at; they may wait for a lock that it holds.
    struct timespec pause = {1, 0};
    while (nanosleep(&pause, &pause) != 0) {
    }
    _exit(fatal_status);
}

} // namespace

enum shoal_outcome shoal_grammar_init(
    const struct llama_vocab *vocab, const char *grammar, const char *const *triggers, size_t trigger_count,
    struct llama_sampler **sampler, struct shoal_reason *reason) {
    *sampler = nullptr;
    return guarded(reason, [&] {
        if (trigger_count == 0) {
            *sampler = llama_sampler_init_grammar(vocab, grammar, "root");
            return;
        }
        std::vector<std::string> patterns;
        std::vector<const char *> pointers;
        patterns.reserve(trigger_count);
        for (size_t i = 0; i < trigger_count; i++) {
            patterns.push_back(escaped(triggers[i]));
            pointers.push_back(patterns.back().c_str());
        }
        *sampler = llama_sampler_init_grammar_lazy_patterns(
            vocab, grammar, "root", pointers.data(), pointers.size(), nullptr, 0);
    });
}

enum shoal_outcome shoal_sampler_apply(
    struct llama_sampler *sampler, llama_token_data_array *candidates, struct shoal_reason *reason) {
    return guarded(reason, [&] { llama_sampler_apply(sampler, candidates); });
}

enum shoal_outcome shoal_sampler_accept(struct llama_sampler *sampler, llama_token token, struct shoal_reason *reason) {
    return guarded(reason, [&] { llama_sampler_accept(sampler, token); });
}

int32_t shoal_decode(struct llama_context *context, struct llama_batch batch) {
    int32_t status = SHOAL_DECODE_THREW;
    // Assertions inside of a computation leave other threads in the middle of it: they end the process as they are.
    try {
        status = llama_decode(context, batch);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "error: libllama threw while it computed: %s\n", error.what());
    } catch (...) {
    }
    return status;
}

int32_t shoal_tokenize(
    const struct llama_vocab *vocab, const char *text, int32_t length, llama_token *tokens, int32_t capacity, bool add_special,
    bool parse_special) {
    int32_t count = INT32_MIN;
    guarded(nullptr, [&] { count = llama_tokenize(vocab, text, length, tokens, capacity, add_special, parse_special); });
    return count;
}

void shoal_watch_signals(int status) {
    fatal_status = status;
    ggml_set_abort_callback(on_abort);
    struct sigaction action = {};
    action.sa_handler = on_fatal;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (int number : fatal_signals) {
        sigaction(number, &action, nullptr);
    }
}

int shoal_thread_computes(void) {
    // The handler of a stack that is used up needs another one; it stays for as long as the thread does.
    static thread_local std::vector<char> stack(64 << 10);
    stack_t alternate = {};
    alternate.ss_sp = stack.data();
    alternate.ss_size = stack.size();
    sigaltstack(&alternate, nullptr);
    computing_thread = ++computing_threads;
    return computing_thread;
}

int shoal_fatal_signal(int *thread) {
    const int number = fatal_signal.load();
    *thread = fatal_thread.load();
    return number;
}
