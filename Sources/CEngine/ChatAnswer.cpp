#include "Chat.hpp"

#include <chat.h>

using json = common_json;

struct shoal_answer {
    common_chat_parser_params parameters;
    std::string text;
    // What was said so far.
    common_chat_msg said;
    // The text that the model has written is no message any more: the rest is passed on as it is.
    bool is_plain = false;
};

struct shoal_answer *shoal_answer_open(
    const char *form, size_t length, enum shoal_chat_status *status, struct shoal_text *error) {
    shoal_answer *result = nullptr;
    *status = shoal::guarded(error, [&] {
        const json given = json::parse(std::string(form, length));
        auto answer = std::make_unique<shoal_answer>();
        auto &parameters = answer->parameters;
        parameters.format = static_cast<common_chat_format>(given.at("format").get<int>());
        parameters.generation_prompt = given.at("generation_prompt").get<std::string>();
        parameters.reasoning_format = common_reasoning_format_from_name(given.at("reasoning").get<std::string>());
        parameters.parse_tool_calls = given.at("tools").get<bool>();
        parameters.is_continuation = given.at("continues").get<bool>();
        const auto parser = given.at("parser").get<std::string>();
        if (!parser.empty()) {
            parameters.parser.load(parser);
        }
        if (parameters.is_continuation) {
            // The beginning that the client gave is not said again.
            answer->said = common_chat_parse("", true, parameters);
        }
        result = answer.release();
        return std::string();
    });
    return result;
}

void shoal_answer_close(struct shoal_answer *answer) { delete answer; }

namespace {

// Bytes of a text that are no whole characters yet.
size_t unfinished(const std::string &text) {
    for (size_t back = 1; back <= 3 && back <= text.size(); back++) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0) == 0x80) {
            continue;
        }
        const size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return needed > back ? back : 0;
    }
    return 0;
}

// What `grown` has beyond `said`, without the beginning of a character whose end is not there yet; nothing where it took something
// back. `said` grows by what is returned.
std::string grow(std::string &said, const std::string &grown, bool is_last) {
    if (grown.size() <= said.size() || grown.compare(0, said.size(), said) != 0) {
        return "";
    }
    std::string delta = grown.substr(said.size());
    if (!is_last) {
        delta.resize(delta.size() - unfinished(delta));
    }
    said += delta;
    return delta;
}

void add(json &deltas, const char *kind, const std::string &text) {
    if (text.empty()) {
        return;
    }
    json delta;
    delta[kind] = text;
    deltas.push_back(delta);
}

json deltas(shoal_answer &answer, const common_chat_msg &grown, bool is_last) {
    json result = json::array();
    auto &said = answer.said;
    add(result, "reasoning", grow(said.reasoning_content, grown.reasoning_content, is_last));
    add(result, "content", grow(said.content, grown.content, is_last));
    for (size_t index = 0; index < grown.tool_calls.size(); index++) {
        const auto &call = grown.tool_calls[index];
        // The newest call's name may still grow: it is said once something follows it.
        const bool is_open = index + 1 == grown.tool_calls.size() && !is_last;
        if (index == said.tool_calls.size()) {
            if (call.name.empty() || (is_open && call.arguments.empty())) {
                break;
            }
            json delta;
            delta["index"] = index;
            delta["id"] = call.id;
            delta["name"] = call.name;
            said.tool_calls.push_back({call.name, "", call.id});
            delta["arguments"] = grow(said.tool_calls[index].arguments, call.arguments, is_last);
            result.push_back(delta);
            continue;
        }
        const auto more = grow(said.tool_calls[index].arguments, call.arguments, is_last);
        if (!more.empty()) {
            json delta;
            delta["index"] = index;
            delta["arguments"] = more;
            result.push_back(delta);
        }
    }
    return result;
}

}  // namespace

enum shoal_chat_status shoal_answer_append(
    struct shoal_answer *answer, const char *bytes, size_t length, bool is_last, struct shoal_text *found) {
    return shoal::guarded(found, [&] {
        const std::string added(bytes, length);
        answer->text += added;
        if (answer->is_plain) {
            json result = json::array();
            add(result, "content", added);
            return result.dump();
        }
        try {
            return deltas(*answer, common_chat_parse(answer->text, !is_last, answer->parameters), is_last).dump();
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception &) {
            if (!is_last) {
                return std::string("[]");
            }
            // A last text that is no message in the model's form: what was understood of its beginning stands, and where
            // nothing was, all of it is text.
            json result = json::array();
            try {
                result = deltas(*answer, common_chat_parse(answer->text, true, answer->parameters), true);
            } catch (const std::exception &) {
            }
            const auto &said = answer->said;
            if (said.content.empty() && said.reasoning_content.empty() && said.tool_calls.empty()) {
                add(result, "content", answer->text);
            }
            return result.dump();
        }
    });
}
