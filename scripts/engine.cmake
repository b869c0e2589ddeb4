# Leaves out of libllama-common what nobody here calls: llama.cpp's command line, its downloads, and the HTTP library for them.
# Read at the start of llama.cpp's own CMakeLists.txt, done at its end, when the targets are there.
function(leave_out_needless_parts)
    get_target_property(sources llama-common SOURCES)
    list(FILTER sources EXCLUDE REGEX "^(arg|console|debug|download|hf-cache|imatrix-loader|llguidance|preset|subproc)\\.cpp$")
    get_target_property(libraries llama-common LINK_LIBRARIES)
    list(REMOVE_ITEM libraries cpp-httplib)
    set_target_properties(llama-common PROPERTIES SOURCES "${sources}" LINK_LIBRARIES "${libraries}")
    set_target_properties(cpp-httplib PROPERTIES EXCLUDE_FROM_ALL ON)
endfunction()
cmake_language(DEFER CALL leave_out_needless_parts)
