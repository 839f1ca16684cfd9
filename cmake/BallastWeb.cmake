# The web page: dashboards/web bundled by esbuild under Node.js (18 or newer) and
# embedded in the collector, so that no file is installed and none is fetched.
#
# npm's packages are there before CMake runs (./dev setup, or npm ci by hand): a
# build reaches no network. Where npm cannot be reached at all, -DBALLAST_WEB=OFF
# embeds one page that says so; API and metrics are the same.

option(BALLAST_WEB "Bundle the web page (needs Node.js and dashboards/web/node_modules)" ON)

# ballast_web_files(out.cpp): defines ballast::serve::WebFiles() (collector/serve/web_files.h).
function(ballast_web_files output)
  set(source ${CMAKE_SOURCE_DIR}/dashboards/web)
  set(bundle ${CMAKE_BINARY_DIR}/dashboards/web)
  if(BALLAST_WEB)
    find_program(BALLAST_NODE NAMES node nodejs)
    if(NOT BALLAST_NODE OR NOT EXISTS ${source}/node_modules/esbuild)
      message(FATAL_ERROR "the web page needs Node.js and its packages: run ./dev setup (or npm ci in dashboards/web), "
              "or configure with -DBALLAST_WEB=OFF to build without the page")
    endif()
    file(GLOB parts CONFIGURE_DEPENDS ${source}/src/*)
    set(files ${bundle}/index.html ${bundle}/app.css ${bundle}/app.js)
    add_custom_command(
      OUTPUT ${files}
      COMMAND ${BALLAST_NODE} ${source}/build.mjs ${bundle}
      DEPENDS ${parts} ${source}/build.mjs ${source}/package-lock.json
      COMMENT "Web page"
      VERBATIM)
  else()
    message(WARNING "built without the web page (BALLAST_WEB=OFF)")
    set(files ${source}/without/index.html)
  endif()
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DOUTPUT=${output} -P ${CMAKE_SOURCE_DIR}/cmake/EmbedWebFiles.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/EmbedWebFiles.cmake
    COMMENT "Embedding the web page"
    VERBATIM)
  # A bundle is longer than the string that ISO C++ asks compilers to take.
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
endfunction()
