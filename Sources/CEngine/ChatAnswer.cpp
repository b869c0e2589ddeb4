#include "Chat.hpp"

using json = common_json;

struct shoal_answer {
    common_chat_parser_params parameters;
    // Only the first call counts.
    bool is_single = false;
    std::string text;
    // The beginning of a character whose end is not there yet.
    std::string unfinished;
    // How much of the text was parsed last.
    size_t parsed = 0;
    // What was said so far, and what the template had begun, which is not said.
    common_chat_msg said;
    bool has_said = false;
    // The text was no message in the model's form once.
    bool has_failed = false;
    // Brackets that are open at the end of the text.
    size_t depth = 0;
    // The text is nested too deep to be parsed any further: it is passed on as it is, if no call has begun.
    bool is_plain = false;
};

namespace {

// Every parse reads all of the text: new text is looked at when it is worth it, so that the time per byte is bounded too.
constexpr size_t growth = 512;
constexpr size_t maximum_bytes = 8 << 20;
// The library parses by recursion. Of brackets in a text, where they mean nothing, so many are seldom left open.
constexpr size_t maximum_depth = 1000;
// How many beginnings of a text are tried that is not understood as a whole.
constexpr size_t steps = 64;

}  // namespace

struct shoal_answer *shoal_answer_open(
    const char *form, size_t length, enum shoal_chat_status *status, struct shoal_text *error) {
    shoal_answer *result = nullptr;
    *status = shoal::guarded(error, [&] {
        const json given = json::parse(std::string(form, length));
        auto answer = std::make_unique<shoal_answer>();
        auto &parameters = answer->parameters;
        const int format = given.at("format").get<int>();
        if (format < 0 || format >= COMMON_CHAT_FORMAT_COUNT) {
            throw std::runtime_error("there is no such form of answers");
        }
        parameters.format = static_cast<common_chat_format>(format);
        parameters.generation_prompt = given.at("generation_prompt").get<std::string>();
        parameters.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
        parameters.parse_tool_calls = given.at("tools").get<bool>();
        answer->is_single = given.at("single").get<bool>();
        const auto parser = given.at("parser").get<std::string>();
        if (!parser.empty()) {
            parameters.parser.load(parser);
        }
        try {
            answer->said = common_chat_parse("", true, parameters);
            answer->said.tool_calls.clear();
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception &) {
            answer->said = {};
        }
        result = answer.release();
        return std::string();
    });
    return result;
}

void shoal_answer_close(struct shoal_answer *answer) { delete answer; }

namespace {

// How many bytes from `at` on are one character, or the beginning of one (RFC 3629), and whether it is whole, no character at all,
// or ends where the bytes end.
enum class wholeness { whole, none, unfinished };
std::pair<size_t, wholeness> character(const std::string &bytes, size_t at) {
    const auto byte = [&](size_t index) { return static_cast<unsigned char>(bytes[index]); };
    const unsigned char first = byte(at);
    if (first < 0x80) {
        return {1, wholeness::whole};
    }
    const size_t length =
        first >= 0xC2 && first <= 0xDF ? 2 : (first & 0xF0) == 0xE0 ? 3 : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
    if (length == 0) {
        return {1, wholeness::none};
    }
    for (size_t index = 1; index < length; index++) {
        if (at + index >= bytes.size()) {
            return {index, wholeness::unfinished};
        }
        unsigned char low = 0x80, high = 0xBF;
        if (index == 1) {
            low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : low;
            high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : high;
        }
        if (byte(at + index) < low || byte(at + index) > high) {
            return {index, wholeness::none};
        }
    }
    return {length, wholeness::whole};
}

// Appends whole characters to `text`; what is none becomes U+FFFD. Gives back the beginning of one that is unfinished.
std::string append(std::string &text, const std::string &bytes, bool is_last) {
    for (size_t at = 0; at < bytes.size();) {
        const auto [length, kind] = character(bytes, at);
        if (kind == wholeness::unfinished && !is_last) {
            return bytes.substr(at);
        }
        if (kind == wholeness::whole) {
            text.append(bytes, at, length);
        } else {
            text += "\xEF\xBF\xBD";
        }
        at += length;
    }
    return "";
}

// What `grown` has beyond `said`; nothing where it took something back. `said` grows by what is returned.
std::string grow(std::string &said, const std::string &grown, bool is_last) {
    if (grown.size() <= said.size() || grown.compare(0, said.size(), said) != 0) {
        return "";
    }
    std::string added = grown.substr(said.size());
    std::string delta;
    const auto rest = append(delta, added, is_last);
    said.append(added, 0, added.size() - rest.size());
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

// Adds what is new in a message to `result`; false where it takes back a call that was said: nothing that is understood then fits.
bool say(json &result, shoal_answer &answer, const common_chat_msg &grown, bool is_last) {
    auto &said = answer.said;
    if (grown.tool_calls.size() < said.tool_calls.size()) {
        return false;
    }
    add(result, "reasoning", grow(said.reasoning_content, grown.reasoning_content, is_last));
    add(result, "content", grow(said.content, grown.content, is_last));
    for (size_t index = 0; index < grown.tool_calls.size(); index++) {
        if (answer.is_single && index > 0) {
            break;
        }
        const auto &call = grown.tool_calls[index];
        json delta;
        if (index == said.tool_calls.size()) {
            // The newest call's name may still grow: it is said once something follows it.
            const bool is_open = index + 1 == grown.tool_calls.size() && !is_last;
            if (call.name.empty() || (is_open && call.arguments.empty())) {
                break;
            }
            delta["id"] = call.id;
            delta["name"] = call.name;
            said.tool_calls.push_back({call.name, "", call.id});
        }
        const auto more = grow(said.tool_calls[index].arguments, call.arguments, is_last);
        if (!more.empty() || delta.contains("name")) {
            delta["index"] = index;
            delta["arguments"] = more;
            result.push_back(delta);
        }
    }
    answer.has_said = answer.has_said || !result.empty();
    return true;
}

// Parses the first `size` bytes; false where they are no message in the model's form.
bool read(json &result, shoal_answer &answer, size_t size, bool is_partial, bool is_last) {
    try {
        const bool is_whole = size == answer.text.size();
        const auto grown = is_whole ? common_chat_parse(answer.text, is_partial, answer.parameters)
                                    : common_chat_parse(answer.text.substr(0, size), is_partial, answer.parameters);
        return say(result, answer, grown, is_last);
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &) {
        return false;
    }
}

}  // namespace

enum shoal_chat_status shoal_answer_append(
    struct shoal_answer *answer, const char *bytes, size_t length, bool is_last, struct shoal_text *found) {
    return shoal::guarded(found, [&] {
        if (answer->text.size() + answer->unfinished.size() + length > maximum_bytes) {
            throw shoal::limit_error("the answer has more than " + std::to_string(maximum_bytes) + " bytes");
        }
        if (length > 0) {
            answer->unfinished.append(bytes, length);
        }
        const size_t known = answer->text.size();
        answer->unfinished = append(answer->text, answer->unfinished, is_last);
        const size_t size = answer->text.size();
        for (size_t index = known; index < size && !answer->is_plain; index++) {
            const char byte = answer->text[index];
            if (byte == '[' || byte == '{' || byte == '(') {
                answer->is_plain = ++answer->depth > maximum_depth;
            } else if ((byte == ']' || byte == '}' || byte == ')') && answer->depth > 0) {
                answer->depth--;
            }
        }
        if (answer->is_plain) {
            json result = json::array();
            if (answer->said.tool_calls.empty()) {
                add(result, "content", answer->text.substr(answer->parsed));
            }
            answer->parsed = size;
            return result.dump();
        }
        if (!is_last && (size == answer->parsed || size - answer->parsed < size / growth)) {
            return std::string("[]");
        }
        const size_t before = answer->parsed;
        answer->parsed = size;
        json result = json::array();
        if (read(result, *answer, size, !is_last, is_last)) {
            return result.dump();
        }
        // No message in the model's form: what is understood of its beginning stands, as if it had come in small pieces.
        if (is_last || !answer->has_failed) {
            answer->has_failed = true;
            for (size_t step = 1; step < steps; step++) {
                size_t end = before + (size - before) * step / steps;
                while (end > before && (static_cast<unsigned char>(answer->text[end]) & 0xC0) == 0x80) {
                    end--;
                }
                if (end > before) {
                    read(result, *answer, end, true, false);
                }
            }
        }
        if (is_last) {
            read(result, *answer, size, true, true);
            if (!answer->has_said) {
                add(result, "content", answer->text);
                answer->has_said = true;
            }
        }
        return result.dump();
    });
}
