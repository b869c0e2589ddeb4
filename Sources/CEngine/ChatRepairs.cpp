#include "Chat.hpp"

#include <json-schema-to-grammar.h>

using json = common_json;

namespace {

bool is(const json &node, const char *type) { return node.at("type") == type; }

bool is_literal(const json &node, const std::string &text) { return is(node, "literal") && node.at("literal") == text; }

std::string literal(const json &node) { return node.at("literal").get<std::string>(); }

std::vector<size_t> children(const json &node) { return node.at("children").get<std::vector<size_t>>(); }

bool replace_all(std::string &text, const std::string &found, const std::string &put) {
    bool has_any = false;
    for (size_t at = text.find(found); at != std::string::npos; at = text.find(found, at + put.size())) {
        text.replace(at, found.size(), put);
        has_any = true;
    }
    return has_any;
}

size_t add(json &nodes, json node) {
    nodes.push_back(node);
    return nodes.size() - 1;
}

size_t optional(json &nodes, size_t child) {
    return add(nodes, json{{"type", "repetition"}, {"child", child}, {"min_count", 0}, {"max_count", 1}});
}

// Calls follow each other without a separator; the library's takes its own where it finds none.
bool without_separator(json &nodes, std::string &grammar) {
    bool has_any = false;
    for (size_t index = 0; index < nodes.size(); index++) {
        if (is_literal(nodes.at(index), ", ")) {
            nodes.at(index)["literal"] = "";
            has_any = true;
        }
    }
    replace_all(grammar, "(\", \" (", "((");
    replace_all(grammar, "(\", \" tool-", "(tool-");
    return has_any;
}

// The comma between calls may be missing.
bool optional_comma(json &nodes, std::string &grammar) {
    bool has_any = false;
    const size_t count = nodes.size();
    for (size_t index = 0; index < count; index++) {
        if (!is(nodes.at(index), "repetition")) {
            continue;
        }
        const size_t child = nodes.at(index).at("child").get<size_t>();
        if (!is(nodes.at(child), "sequence")) {
            continue;
        }
        auto parts = children(nodes.at(child));
        // A comma inside of a call's own JSON is none between calls.
        bool has_calls = false;
        for (const size_t part : parts) {
            const json &node = nodes.at(part);
            const auto named = [&](const json &candidate) {
                return (is(candidate, "rule") || is(candidate, "ref")) &&
                       candidate.at("name").get<std::string>().compare(0, 5, "tool-") == 0;
            };
            if (named(node)) {
                has_calls = true;
            } else if (is(node, "choice")) {
                for (const size_t option : children(node)) {
                    has_calls = has_calls || named(nodes.at(option));
                }
            }
        }
        for (size_t &part : parts) {
            if (has_calls && is_literal(nodes.at(part), ",")) {
                part = optional(nodes, part);
                has_any = true;
            }
        }
        nodes.at(child)["children"] = parts;
    }
    replace_all(grammar, "(space \",\" space (tool-", "(space \",\"? space (tool-");
    replace_all(grammar, "(space \",\" space tool-", "(space \",\"? space tool-");
    return has_any;
}

// The mark in front of the arguments is wanted twice: behind the name, and where they begin.
bool mark_once(json &nodes, std::string &grammar) {
    bool has_any = false;
    for (size_t index = 0; index < nodes.size(); index++) {
        if (!is(nodes.at(index), "tag") || nodes.at(index).at("tag") != "tool-open") {
            continue;
        }
        const json &open = nodes.at(nodes.at(index).at("child").get<size_t>());
        if (!is(open, "sequence") || children(open).empty()) {
            continue;
        }
        const size_t last = children(open).back();
        if (!is(nodes.at(last), "literal")) {
            continue;
        }
        const std::string mark = literal(nodes.at(last));
        if (mark.size() < 3) {
            continue;
        }
        nodes.at(last)["literal"] = "";
        replace_all(grammar, "\" " + gbnf_format_literal(mark) + ")", "\")");
        has_any = true;
    }
    return has_any;
}

// The id that the library gave its probe call is part of a mark.
bool any_id(json &nodes, std::string &grammar) {
    const std::string id = "call0000";
    bool has_any = false;
    const size_t count = nodes.size();
    for (size_t index = 0; index < count; index++) {
        if (!is(nodes.at(index), "literal")) {
            continue;
        }
        const std::string text = literal(nodes.at(index));
        if (text.compare(0, id.size(), id) != 0 || text.size() <= id.size() + 1) {
            continue;
        }
        const std::string rest = text.substr(id.size() + 1);
        const size_t until = add(nodes, json{{"type", "until"}, {"delimiters", std::vector<std::string>{rest}}});
        const size_t mark = add(nodes, json{{"type", "literal"}, {"literal", rest}});
        nodes.at(index) = json{{"type", "sequence"}, {"children", std::vector<size_t>{until, mark}}};
        std::string any = "[^";
        any += rest[0] == ']' || rest[0] == '\\' || rest[0] == '^' ? std::string("\\") + rest[0] : std::string(1, rest[0]);
        replace_all(grammar, gbnf_format_literal(text), any + "]* " + gbnf_format_literal(rest));
        has_any = true;
    }
    return has_any;
}

// Each call begins with the mark that the prompt ends with, but for the first.
bool mark_between(json &nodes, std::string &grammar) {
    const std::string mark = ">>>";
    for (size_t index = 0; index < nodes.size(); index++) {
        if (!is(nodes.at(index), "rule") || nodes.at(index).at("name") != "tools") {
            continue;
        }
        const size_t repetition = nodes.at(index).at("child").get<size_t>();
        if (!is(nodes.at(repetition), "repetition")) {
            continue;
        }
        const size_t tool = nodes.at(repetition).at("child").get<size_t>();
        const size_t maybe = optional(nodes, add(nodes, json{{"type", "literal"}, {"literal", mark}}));
        const size_t both =
            add(nodes, json{{"type", "sequence"}, {"children", std::vector<size_t>{maybe, tool}}});
        nodes.at(repetition)["child"] = both;
        const std::string rule = "tools ::= ";
        const size_t at = grammar.find(rule);
        const size_t end = at == std::string::npos ? at : grammar.find('\n', at);
        if (end != std::string::npos && grammar[end - 1] == '+') {
            const size_t begin = at + rule.size();
            const std::string body = grammar.substr(begin, end - 1 - begin);
            grammar.replace(begin, end - begin, "(\"" + mark + "\"? (" + body + "))+");
        }
        return true;
    }
    return false;
}

}  // namespace

bool shoal::repair(common_chat_params &made, int number) {
    static bool (*const all[])(json &, std::string &) = {
        without_separator, optional_comma, mark_once, any_id, mark_between,
    };
    static_assert(sizeof(all) / sizeof(all[0]) == repairs, "as many as are said");
    if (number < 1 || number > repairs || made.parser.empty()) {
        return false;
    }
    json parser = json::parse(made.parser);
    if (!all[number - 1](parser["parsers"], made.grammar)) {
        return false;
    }
    made.parser = parser.dump();
    return true;
}

std::string shoal::with_long_numbers(std::string grammar) {
    replace_all(grammar, "[1-9] [0-9]{0,15}", "[1-9] [0-9]*");
    replace_all(grammar, "[0-9]{1,16}", "[0-9]+");
    return grammar;
}
