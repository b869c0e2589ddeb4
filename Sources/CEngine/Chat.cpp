#include "Chat.hpp"

#include <log.h>

#include <functional>
#include <sys/resource.h>
#include <unistd.h>

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

// What was made for a set of tools; only the prompt is another one in each conversation.
struct made_form {
    std::string key;
    common_chat_params made;
    // The form that reads the answer, written out.
    std::string form;
};

}  // namespace

struct shoal_chat {
    std::unique_ptr<shoal::analysed_template> plain;
    // The variant for conversations with tools, where the model has one.
    std::unique_ptr<shoal::analysed_template> with_tools;
    // Templates of ours, by name, read when they are first needed.
    std::vector<std::pair<std::string, std::unique_ptr<shoal::analysed_template>>> borrowed;
    // The last used first.
    std::vector<made_form> forms;

    shoal::analysed_template &borrow(const std::string &name) {
        for (auto &[known, found] : borrowed) {
            if (known == name) {
                return *found;
            }
        }
        borrowed.emplace_back(name, std::make_unique<shoal::analysed_template>(shoal::call_template(name), "", ""));
        return *borrowed.back().second;
    }
};

struct shoal_chat *shoal_chat_open(
    const struct llama_model *model, const char *source, const char *beginning_of_text, const char *end_of_text,
    enum shoal_chat_status *status, struct shoal_text *error) {
    shoal_chat *result = nullptr;
    *status = shoal::guarded(error, [&] {
        shoal::mark_stack();
        // The library would write what models and clients said to the error output.
        common_log_set_verbosity_thold(-1);
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
        auto chat = std::make_unique<shoal_chat>();
        chat->plain = std::make_unique<shoal::analysed_template>(plain, begin, end);
        if (!tools.empty()) {
            chat->with_tools = std::make_unique<shoal::analysed_template>(tools, begin, end);
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

constexpr size_t maximum_forms = 16;
constexpr size_t maximum_form_bytes = 4 << 20;

bool flag(const json &request, const char *name, bool otherwise) {
    return request.contains(name) ? request.at(name).get<bool>() : otherwise;
}

std::string text(const json &request, const char *name, const char *otherwise) {
    return request.contains(name) ? request.at(name).get<std::string>() : otherwise;
}

bool has_elements(const json &request, const char *name) {
    return request.contains(name) && !request.at(name).empty();
}

// The parameters of the library's own route through a template. `tools` is what may be called; what the template is told stands
// among the variables, so that a parser for one tool, or none, goes with a prompt that lists all.
autoparser::generation_params parameters(const json &request, const json &tools) {
    autoparser::generation_params result;
    result.messages = request.at("messages");
    result.tools = tools;
    result.tool_choice = common_chat_tool_choice_parse_oaicompat(text(request, "tool_choice", "auto"));
    result.parallel_tool_calls = flag(request, "parallel_tool_calls", true);
    result.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    result.enable_thinking = flag(request, "enable_thinking", true);
    result.add_generation_prompt = flag(request, "generation", true);
    result.extra_context = json::object();
    if (request.contains("variables")) {
        for (const char *own : {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
            if (request.at("variables").contains(own)) {
                throw std::runtime_error(std::string("the template's variable ") + own + " cannot be set");
            }
        }
        result.extra_context = request.at("variables");
    }
    if (has_elements(request, "tools")) {
        result.extra_context["tools"] = request.at("tools");
    }
    if (flag(request, "continues", false) && !result.messages.empty()) {
        // The last message is the beginning of the answer: rendered without it, which then follows.
        const json list = json::array({result.messages[result.messages.size() - 1]});
        auto begun = common_chat_msgs_parse_oaicompat(list)[0];
        if (!begun.tool_calls.empty()) {
            throw std::runtime_error("an answer cannot be continued that has called a tool");
        }
        result.messages.erase(result.messages.size() - 1);
        begun.role.clear();
        if (begun.content.empty() && begun.reasoning_content.empty()) {
            return result;
        }
        result.add_generation_prompt = false;
        result.continue_msg = begun;
        result.continue_final_message = begun.content.empty() ? COMMON_CHAT_CONTINUATION_REASONING
                                                              : COMMON_CHAT_CONTINUATION_CONTENT;
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

// The form that an answer is read with.
std::string form_of(const common_chat_params &made, const json &request, bool has_tools) {
    json form;
    form["format"] = static_cast<int>(made.format);
    form["parser"] = made.parser;
    form["generation_prompt"] = made.generation_prompt;
    form["tools"] = has_tools;
    form["single"] = !flag(request, "parallel_tool_calls", true);
    return form.dump();
}

// Whether a text is what it was once it was read: then reading it is of no use.
bool is_plain(const common_chat_params &made) {
    if (made.supports_thinking) {
        return false;
    }
    const std::string probe = "To <b> or {c}: [d]\n>>> e\n";
    try {
        common_chat_parser_params parameters(made);
        parameters.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
        if (!made.parser.empty()) {
            parameters.parser.load(made.parser);
        }
        const auto read = common_chat_parse(probe, false, parameters);
        return read.content == probe && read.reasoning_content.empty();
    } catch (const std::exception &) {
        return false;
    }
}

// Parser and grammar for tools, from the memory of such where they were made before.
//
// `used` is the template that writes the calls: the model's own, or one of ours.
made_form made_for(
    shoal_chat &chat, shoal::analysed_template &used, const json &request, const json &tools, const std::string &key,
    const std::function<autoparser::generation_params(const json &)> &inputs, std::string &prompt) {
    for (size_t index = 0; index < chat.forms.size(); index++) {
        if (chat.forms[index].key != key) {
            continue;
        }
        auto found = std::move(chat.forms[index]);
        chat.forms.erase(chat.forms.begin() + index);
        // Without tools the library makes the same prompt in a fraction of the time.
        auto given = inputs(json::array());
        const auto rendered = used.applied(given);
        const bool is_same = rendered.generation_prompt == found.made.generation_prompt;
        if (is_same) {
            prompt = rendered.prompt;
            chat.forms.insert(chat.forms.begin(), found);
            return found;
        }
        break;
    }
    auto given = inputs(tools);
    made_form result{key, used.applied(given), ""};
    prompt = std::move(result.made.prompt);
    result.made.prompt.clear();
    if (request.contains("repair")) {
        shoal::repair(result.made, request.at("repair").get<int>());
    }
    result.made.grammar = shoal::with_long_numbers(std::move(result.made.grammar));
    result.form = form_of(result.made, request, true);
    if (!flag(request, "continues", false) && result.form.size() + result.made.grammar.size() <= maximum_form_bytes) {
        chat.forms.insert(chat.forms.begin(), result);
        if (chat.forms.size() > maximum_forms) {
            chat.forms.pop_back();
        }
    }
    return result;
}

}  // namespace

enum shoal_chat_status shoal_chat_apply(
    struct shoal_chat *chat, const char *request, size_t length, struct shoal_text *answer) {
    return shoal::guarded(answer, [&] {
        shoal::mark_stack();
        const json given = json::parse(std::string(request, length));
        const bool lists_tools = has_elements(given, "tools");
        auto &used = lists_tools && chat->with_tools ? *chat->with_tools : *chat->plain;
        json result;
        if (flag(given, "only_prompt", false)) {
            result["prompt"] = common_chat_template_direct_apply(used.source, parameters(given, json::array()));
            return result.dump();
        }
        const json tools = has_elements(given, "callable") ? given.at("callable") : json::array();
        made_form form;
        std::string prompt;
        if (tools.empty()) {
            auto inputs = parameters(given, tools);
            form.made = used.applied(inputs);
            prompt = std::move(form.made.prompt);
            result["is_plain"] = is_plain(form.made);
            form.form = form_of(form.made, given, false);
        } else {
            std::string key = text(given, "tool_choice", "auto") + (flag(given, "parallel_tool_calls", true) ? "|p" : "|s") +
                              (flag(given, "enable_thinking", true) ? "t" : "n") + (lists_tools ? "l" : "o");
            if (given.contains("repair")) {
                key += std::to_string(given.at("repair").get<int>());
            }
            if (given.contains("borrowed")) {
                // The prompt is the model's own, and how it calls is ours.
                auto own = parameters(given, json::array());
                const auto rendered = used.applied(own);
                prompt = rendered.prompt;
                const auto name = given.at("borrowed").get<std::string>();
                key += "|" + name + "|" + rendered.generation_prompt + "|" + tools.dump();
                std::string unused;
                const auto inputs = [&](const json &callable) {
                    auto others = parameters(given, callable);
                    others.messages = json::array({json{{"role", "user"}, {"content", "?"}}});
                    others.extra_context = json{{"opening", rendered.generation_prompt}};
                    others.add_generation_prompt = true;
                    others.continue_final_message = COMMON_CHAT_CONTINUATION_NONE;
                    return others;
                };
                form = made_for(*chat, chat->borrow(name), given, tools, key, inputs, unused);
                form.made.additional_stops = rendered.additional_stops;
            } else {
                key += "|" + tools.dump();
                const auto inputs = [&](const json &callable) { return parameters(given, callable); };
                form = made_for(*chat, used, given, tools, key, inputs, prompt);
            }
        }
        const auto &made = form.made;
        result["prompt"] = prompt;
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
        result["form"] = form.form;
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
