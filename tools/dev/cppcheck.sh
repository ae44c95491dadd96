#!/bin/bash
# cppcheck over the given sources; results of unchanged files are kept in build/cppcheck.
#
# Not asked, and why:
#   style, information    opinions on scope and const; clang-tidy and -W… speak about what matters there
#   missingIncludeSystem  it reads no system header and need not
#   unknownMacro          the lists of schemas/*.def are included with macros defined just before: X-macros read as such
#   varFuncNullUB         NULL is a pointer here, of a pointer's size, also behind "…"
#   unusedFunction        libraries have functions that only a test or a later program calls
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build/cppcheck
exec cppcheck --quiet --enable=warning,performance,portability --std=c11 --inline-suppr --error-exitcode=1 \
	--cppcheck-build-dir=build/cppcheck --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=varFuncNullUB \
	--template='{file}:{line}: {severity}: {message} [{id}]' -D_GNU_SOURCE -I. -Ibuild/gen "$@"
