# cmake -DFILES=a;b -DOUTPUT=web_files.cpp -P EmbedWebFiles.cmake
# Files of the web page as raw strings in C++.

set(entries "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  if(name STREQUAL "index.html")
    set(path "/")
    set(type "text/html; charset=utf-8")
  elseif(name MATCHES "\\.css$")
    set(path "/${name}")
    set(type "text/css; charset=utf-8")
  else()
    set(path "/${name}")
    set(type "text/javascript; charset=utf-8")
  endif()
  file(READ ${file} body)
  string(FIND "${body}" ")BALLAST\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${file}: contains the end mark of the raw string")
  endif()
  string(APPEND entries "    {\"${path}\", \"${type}\", R\"BALLAST(${body})BALLAST\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made by cmake/EmbedWebFiles.cmake.
#include <array>

#include \"collector/serve/web_files.h\"

namespace ballast::serve {

std::span<const WebFile> WebFiles() {
  static constexpr auto kFiles = std::to_array<WebFile>({
${entries}  });
  return kFiles;
}

}  // namespace ballast::serve
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
