/// The filters of Jinja that chat templates can use, by name.
///
/// Filters that change how text is escaped for HTML (`safe`) leave it alone: chat templates are rendered without escaping.
enum Filters {
    typealias Filter = @Sendable (Interpreter, Value, CallArguments) throws(ChatTemplateError) -> Value

    static let all: [String: Filter] = [
        // Text
        "capitalize": capitalize, "center": center, "e": escape, "escape": escape, "forceescape": escape,
        "format": format, "indent": indent, "lower": lower, "replace": replace, "safe": string, "string": string,
        "title": title, "tojson": toJSON, "trim": trim, "truncate": truncate, "upper": upper,
        "urlencode": urlEncode, "wordcount": wordCount,
        // Numbers
        "abs": absolute, "float": float, "int": integer, "round": round,
        // Sequences
        "attr": attribute, "batch": batch, "count": length, "d": defaultValue, "default": defaultValue,
        "dictsort": dictionarySort, "first": first, "groupby": group, "items": items, "join": join, "last": last,
        "length": length, "list": list, "map": map, "max": maximum, "min": minimum, "reject": reject,
        "rejectattr": rejectAttribute, "reverse": reverse, "select": select, "selectattr": selectAttribute,
        "slice": slice, "sort": sort, "sum": sum, "unique": unique,
    ]
}
