#include "Chat.hpp"

#include <jinja/lexer.h>
#include <jinja/parser.h>
#include <jinja/runtime.h>

#include <algorithm>
#include <pthread.h>

namespace {

// The longest of about 70 real templates has 34 KB; of all their blocks none has more than a few hundred tokens.
constexpr size_t maximum_bytes = 1 << 20;
constexpr size_t maximum_block_tokens = 2'000;
constexpr size_t maximum_brackets = 50;
constexpr size_t maximum_statements = 100;
// What a macro's body needs of the stack, with room for the values it walks.
constexpr size_t needed_stack = 256 << 10;
// What macros inside of each other may take of it: the library adds to its message in each of them, once one fails.
constexpr size_t maximum_stack = 1 << 20;

// The library reads and runs templates by recursion. What its stack has to hold is bounded by what is counted here: tokens of one
// block, brackets, and statements inside of each other, where a further branch of an `if` counts as one inside.
void check_depth(const std::vector<jinja::token> &tokens) {
    using token = jinja::token;
    // By open statement, how much it has added.
    std::vector<size_t> statements;
    size_t depth = 0, brackets = 0, in_block = 0;
    for (size_t index = 0; index < tokens.size(); index++) {
        in_block++;
        switch (tokens[index].t) {
        case token::text:
        case token::comment:
        case token::open_expression:
            in_block = brackets = 0;
            break;
        case token::open_statement: {
            in_block = brackets = 0;
            const std::string name = index + 1 < tokens.size() ? tokens[index + 1].value : "";
            if (name == "elif") {
                if (!statements.empty()) {
                    statements.back()++;
                }
                depth++;
            } else if (name.compare(0, 3, "end") == 0 && name != "endgeneration") {
                if (!statements.empty()) {
                    depth -= std::min(depth, statements.back());
                    statements.pop_back();
                }
            } else if (name == "if" || name == "for" || name == "macro" || name == "call" || name == "filter") {
                statements.push_back(1);
                depth++;
            } else if (name == "set") {
                // With a value it is no block.
                size_t end = index;
                while (end < tokens.size() && tokens[end].t != token::close_statement && tokens[end].t != token::equals) {
                    end++;
                }
                if (end < tokens.size() && tokens[end].t == token::close_statement) {
                    statements.push_back(1);
                    depth++;
                }
            }
            break;
        }
        case token::open_paren:
        case token::open_square_bracket:
        case token::open_curly_bracket: brackets++; break;
        case token::close_paren:
        case token::close_square_bracket:
        case token::close_curly_bracket: brackets -= brackets > 0 ? 1 : 0; break;
        default: break;
        }
        if (in_block > maximum_block_tokens || brackets > maximum_brackets || depth > maximum_statements) {
            throw shoal::limit_error("the chat template is nested too deep, or has an expression that is too long");
        }
    }
}

// The end of this thread's stack.
const char *lowest_of_stack() {
    static thread_local const char *const known = [] {
        const char *found = nullptr;
#if defined(__linux__)
        pthread_attr_t attributes;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            void *address = nullptr;
            size_t size = 0;
            pthread_attr_getstack(&attributes, &address, &size);
            pthread_attr_destroy(&attributes);
            found = static_cast<const char *>(address);
        }
#elif defined(__APPLE__)
        found = static_cast<const char *>(pthread_get_stackaddr_np(pthread_self())) -
                pthread_get_stacksize_np(pthread_self());
#endif
        return found;
    }();
    return known;
}

// Where the stack stood when the library was called.
thread_local const char *first_of_stack = nullptr;

void check_stack() {
    const char here = 0;
    const auto used = static_cast<size_t>(first_of_stack > &here ? first_of_stack - &here : 0);
    if (&here < lowest_of_stack() + needed_stack || used > maximum_stack) {
        throw std::runtime_error("Jinja Exception: the chat template's macros call each other too deep");
    }
}

// Stands at the beginning of a macro's body: templates that call themselves end before the stack does.
struct guard_statement : jinja::statement {
    std::string type() const override { return "Noop"; }

    jinja::value execute_impl(jinja::context &) const override {
        check_stack();
        return jinja::mk_val<jinja::value_undefined>();
    }
};

// Stands around what a macro's parameter is when it is left out.
struct guard_expression : jinja::expression {
    jinja::statement_ptr guarded;

    std::string type() const override { return guarded->type(); }

    void visit(jinja::context &ctx) const override { guarded->visit(ctx); }

    jinja::value execute_impl(jinja::context &ctx) const override {
        check_stack();
        return guarded->execute(ctx);
    }
};

void guard(jinja::statements &body) {
    for (auto &statement : body) {
        if (auto *macro = dynamic_cast<jinja::macro_statement *>(statement.get())) {
            guard(macro->body);
            auto check = std::make_unique<guard_statement>();
            check->pos = macro->pos;
            macro->body.insert(macro->body.begin(), std::move(check));
            for (auto &argument : macro->args) {
                if (auto *optional = dynamic_cast<jinja::keyword_argument_expression *>(argument.get())) {
                    auto around = std::make_unique<guard_expression>();
                    around->pos = macro->pos;
                    around->guarded = std::move(optional->val);
                    optional->val = std::move(around);
                }
            }
        } else if (auto *branch = dynamic_cast<jinja::if_statement *>(statement.get())) {
            guard(branch->body);
            guard(branch->alternate);
        } else if (auto *loop = dynamic_cast<jinja::for_statement *>(statement.get())) {
            guard(loop->body);
            guard(loop->default_block);
        } else if (auto *set = dynamic_cast<jinja::set_statement *>(statement.get())) {
            guard(set->body);
        } else if (auto *filter = dynamic_cast<jinja::filter_statement *>(statement.get())) {
            guard(filter->body);
        } else if (auto *call = dynamic_cast<jinja::call_statement *>(statement.get())) {
            guard(call->body);
        }
    }
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

void shoal::mark_stack() {
    first_of_stack = static_cast<const char *>(__builtin_frame_address(0));
}

shoal::analysed_template::analysed_template(const std::string &text, const std::string &begin, const std::string &end)
    : source("", begin, end) {
    if (text.size() > maximum_bytes) {
        throw limit_error("the chat template has more than " + std::to_string(maximum_bytes) + " bytes");
    }
    std::string mended = text;
    mend_source(mended);
    // What common_chat_template does, with checks in between.
    jinja::lexer lexer;
    const auto read = lexer.tokenize(mended);
    check_depth(read.tokens);
    source.prog = jinja::parse_from_tokens(read);
    guard(source.prog.body);
    source.src = read.source;
    source.caps = jinja::caps_get(source.prog);
}

common_chat_params shoal::analysed_template::applied(autoparser::generation_params &parameters) {
    if (auto result = common_chat_try_specialized_template(source, source.source(), parameters)) {
        return *result;
    }
    if (!analysis) {
        auto made = std::make_unique<autoparser::autoparser>();
        made->analyze_template(source);
        analysis = std::move(made);
    }
    auto result = autoparser::peg_generator::generate_parser(source, parameters, *analysis);
    result.supports_thinking = analysis->reasoning.mode != autoparser::reasoning_mode::NONE;
    if (result.supports_thinking) {
        result.thinking_start_tag = analysis->reasoning.start;
        if (!analysis->reasoning.end.empty()) {
            result.thinking_end_tags = {analysis->reasoning.end};
        }
    }
    return result;
}

const char *shoal::call_template(const std::string &name) {
    // `opening` is what the model's own template begins the answer with.
    static const char *const tool_call =
        "{%- if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif -%}"
        "{%- for message in messages -%}"
        "{{- '<|im_start|>' + message.role + '\n' -}}"
        "{%- if message.role == 'assistant' and message.reasoning_content -%}"
        "{{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' -}}{%- endif -%}"
        "{{- message.content or '' -}}"
        "{%- for call in message.tool_calls or [] -%}"
        "{{- '\n<tool_call>\n{\"name\": \"' + call.function.name + '\", \"arguments\": ' + (call.function.arguments | tojson) "
        "+ '}\n</tool_call>' -}}"
        "{%- endfor -%}"
        "{{- '<|im_end|>\n' -}}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- opening if opening is defined else '<|im_start|>assistant\n' -}}{%- endif -%}";
    static const char *const tool_list =
        "{%- if tools %}<|start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|end|>\n{% endif -%}"
        "{%- for message in messages -%}"
        "{{- '<|start|>' + message.role + '\n' + (message.content or '') -}}"
        "{%- if message.tool_calls -%}"
        "{{- '<|tool_call|>[' -}}"
        "{%- for call in message.tool_calls -%}"
        "{{- '{\"name\": \"' + call.function.name + '\", \"arguments\": ' + (call.function.arguments | tojson) + '}' -}}"
        "{%- if not loop.last -%}{{- ', ' -}}{%- endif -%}"
        "{%- endfor -%}"
        "{{- ']' -}}"
        "{%- endif -%}"
        "{{- '<|end|>\n' -}}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{- opening if opening is defined else '<|start|>assistant\n' -}}{%- endif -%}";
    if (name == "tool_call") {
        return tool_call;
    }
    if (name == "tool_list") {
        return tool_list;
    }
    throw std::runtime_error("there is no form of calls with the name " + name);
}
