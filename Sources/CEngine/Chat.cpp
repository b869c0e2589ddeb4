#include "Chat.hpp"

#include <chat-auto-parser.h>
#include <chat.h>

#include <new>
#include <sys/resource.h>

using json = common_json;

void shoal_text_free(struct shoal_text *text) {
    std::free(text->bytes);
    *text = {nullptr, 0};
}

struct shoal_text shoal::text_of(const std::string &value) {
    char *bytes = static_cast<char *>(std::malloc(value.size() + 1));
    if (bytes == nullptr) {
        return {nullptr, 0};
    }
    std::memcpy(bytes, value.data(), value.size());
    bytes[value.size()] = 0;
    return {bytes, value.size()};
}

namespace {

// One template with what was found out about it; the analysis takes some milliseconds and is made on first use.
struct analysed_template {
    common_chat_template source;
    std::unique_ptr<autoparser::autoparser> analysis;

    analysed_template(const std::string &text, const std::string &begin, const std::string &end)
        : source(text, begin, end) {}
};

// ChatML, as llama-server gives it to models without a template.
const char *const chatml =
    "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}";

std::string piece(const llama_vocab *vocab, llama_token token) {
    if (token == LLAMA_TOKEN_NULL) {
        return "";
    }
    return common_token_to_piece(vocab, token, true);
}

// Two templates ask for a field in a way that the library's Jinja cannot follow; it mends them like this itself.
void mend_source(std::string &source) {
    const std::pair<const char *, const char *> mendings[] = {
        {"{%- if \"<|channel|>analysis<|message|>\" in message.content or \"<|channel|>final<|message|>\" in "
         "message.content %}",
         "{%- if false %}"},
        {"{%- if (message['content'] is none or message['content'] == '' or message['content']|length == 0) and "
         "(message['tool_calls'] is not defined or message['tool_calls'] is none or message['tool_calls']|length == 0) %}",
         "{%- if false %}"},
    };
    for (const auto &[found, put] : mendings) {
        for (size_t at = source.find(found); at != std::string::npos; at = source.find(found, at)) {
            source.replace(at, std::strlen(found), put);
        }
    }
}

}  // namespace

struct shoal_chat {
    std::unique_ptr<analysed_template> plain;
    // The variant for conversations with tools, where the model has one.
    std::unique_ptr<analysed_template> with_tools;
};

struct shoal_chat *shoal_chat_open(
    const struct llama_model *model, const char *source, const char *beginning_of_text, const char *end_of_text,
    enum shoal_chat_status *status, struct shoal_text *error) {
    shoal_chat *result = nullptr;
    *status = shoal::guarded(error, [&] {
        std::string plain, tools, begin, end;
        if (source != nullptr) {
            plain = source;
            begin = beginning_of_text == nullptr ? "" : beginning_of_text;
            end = end_of_text == nullptr ? "" : end_of_text;
        } else {
            if (const char *own = llama_model_chat_template(model, nullptr)) {
                plain = own;
            }
            if (const char *own = llama_model_chat_template(model, "tool_use")) {
                tools = own;
            }
            const llama_vocab *vocab = llama_model_get_vocab(model);
            begin = piece(vocab, llama_vocab_bos(vocab));
            end = piece(vocab, llama_vocab_eos(vocab));
        }
        if (plain.empty()) {
            plain = tools.empty() ? chatml : tools;
        }
        mend_source(plain);
        mend_source(tools);
        auto chat = std::make_unique<shoal_chat>();
        chat->plain = std::make_unique<analysed_template>(plain, begin, end);
        if (!tools.empty()) {
            chat->with_tools = std::make_unique<analysed_template>(tools, begin, end);
        }
        result = chat.release();
        return std::string();
    });
    return result;
}

void shoal_chat_close(struct shoal_chat *chat) { delete chat; }

enum shoal_chat_status shoal_chat_capabilities(const struct shoal_chat *chat, struct shoal_text *answer) {
    return shoal::guarded(answer, [&] {
        const auto caps = (chat->with_tools ? chat->with_tools : chat->plain)->source.original_caps();
        json result;
        for (const auto &[name, value] : caps.to_map()) {
            result[name] = value;
        }
        return result.dump();
    });
}

namespace {

bool flag(const json &request, const char *name, bool otherwise) {
    return request.contains(name) ? request.at(name).get<bool>() : otherwise;
}

// The parameters of the library's own route through a template, from a request whose messages were prepared for it.
autoparser::generation_params parameters(const json &request, const analysed_template &used) {
    autoparser::generation_params result;
    result.messages = request.at("messages");
    if (request.contains("tools") && !request.at("tools").empty()) {
        result.tools = request.at("tools");
    }
    const std::string choice = request.contains("tool_choice") ? request.at("tool_choice").get<std::string>() : "auto";
    result.tool_choice = common_chat_tool_choice_parse_oaicompat(choice);
    result.parallel_tool_calls = flag(request, "parallel_tool_calls", true);
    result.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    result.enable_thinking = flag(request, "enable_thinking", true);
    result.add_generation_prompt = true;
    if (request.contains("now")) {
        result.now = std::chrono::system_clock::time_point(std::chrono::seconds(request.at("now").get<int64_t>()));
    }
    result.extra_context = request.contains("variables") ? request.at("variables") : json::object();
    if (flag(request, "continues", false) && !result.messages.empty()) {
        // The last message is the beginning of the answer: rendered without it, which then follows.
        result.add_generation_prompt = false;
        const json list = json::array({result.messages[result.messages.size() - 1]});
        result.continue_msg = common_chat_msgs_parse_oaicompat(list)[0];
        result.messages.erase(result.messages.size() - 1);
        const bool only_reasons = !result.continue_msg.reasoning_content.empty() && result.continue_msg.content.empty() &&
                                  result.continue_msg.content_parts.empty();
        result.continue_final_message =
            only_reasons ? COMMON_CHAT_CONTINUATION_REASONING : COMMON_CHAT_CONTINUATION_CONTENT;
    }
    (void)used;
    return result;
}

common_chat_params applied(analysed_template &used, autoparser::generation_params &parameters) {
    if (auto result = common_chat_try_specialized_template(used.source, used.source.source(), parameters)) {
        return *result;
    }
    if (!used.analysis) {
        auto analysis = std::make_unique<autoparser::autoparser>();
        analysis->analyze_template(used.source);
        used.analysis = std::move(analysis);
    }
    auto result = autoparser::peg_generator::generate_parser(used.source, parameters, *used.analysis);
    result.supports_thinking = used.analysis->reasoning.mode != autoparser::reasoning_mode::NONE;
    if (result.supports_thinking) {
        result.thinking_start_tag = used.analysis->reasoning.start;
        if (!used.analysis->reasoning.end.empty()) {
            result.thinking_end_tags = {used.analysis->reasoning.end};
        }
    }
    return result;
}

json strings(const std::vector<std::string> &values) {
    json result = json::array();
    for (const auto &value : values) {
        result.push_back(value);
    }
    return result;
}

}  // namespace

enum shoal_chat_status shoal_chat_apply(
    struct shoal_chat *chat, const char *request, size_t length, struct shoal_text *answer) {
    return shoal::guarded(answer, [&] {
        const json given = json::parse(std::string(request, length));
        const bool has_tools = given.contains("tools") && !given.at("tools").empty();
        analysed_template &used = has_tools && chat->with_tools ? *chat->with_tools : *chat->plain;
        auto whole = parameters(given, used);
        json result;
        if (flag(given, "only_prompt", false)) {
            result["prompt"] = common_chat_template_direct_apply(used.source, whole);
            return result.dump();
        }
        // One tool that must be called: the model is told of all, and held to that one.
        const bool is_named = given.contains("only_tools");
        common_chat_params made;
        if (is_named) {
            auto narrow = whole;
            narrow.tools = given.at("only_tools");
            made = applied(used, narrow);
            made.prompt = applied(used, whole).prompt;
        } else {
            made = applied(used, whole);
        }
        result["prompt"] = made.prompt;
        result["grammar"] = made.grammar;
        result["is_lazy"] = made.grammar_lazy;
        result["generation_prompt"] = made.generation_prompt;
        json triggers = json::array();
        for (const auto &trigger : made.grammar_triggers) {
            json one;
            one["kind"] = static_cast<int>(trigger.type);
            one["value"] = trigger.value;
            triggers.push_back(one);
        }
        result["triggers"] = triggers;
        result["preserved"] = strings(made.preserved_tokens);
        result["stops"] = strings(made.additional_stops);
        result["thinks"] = made.supports_thinking;
        result["thinking_start"] = made.thinking_start_tag;
        result["thinking_ends"] = strings(made.thinking_end_tags);
        json form;
        form["format"] = static_cast<int>(made.format);
        form["parser"] = made.parser;
        form["generation_prompt"] = made.generation_prompt;
        form["continues"] = flag(given, "continues", false);
        result["form"] = form;
        return result.dump();
    });
}

bool shoal_limit_memory(uint64_t bytes) {
    // What is mapped now, in pages: the first number of statm.
    FILE *file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) {
        return false;
    }
    unsigned long long pages = 0;
    const bool is_read = std::fscanf(file, "%llu", &pages) == 1;
    std::fclose(file);
    if (!is_read) {
        return false;
    }
    struct rlimit limit = {};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = pages * static_cast<unsigned long long>(sysconf(_SC_PAGESIZE)) + bytes;
    return setrlimit(RLIMIT_AS, &limit) == 0;
}
