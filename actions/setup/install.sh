#!/usr/bin/env bash
# Puts leakguard on the PATH of the steps that follow, and says where it is and which one.
#
# LG_INSTALL  true: into an environment of its own; false: take the one that is on the PATH
# LG_PYTHON   the Python for that environment; empty: the first that is new enough
# LG_VERSION  the release to install; empty: the checkout that this action is part of
set -euo pipefail

fail() {
  echo "::error title=leakguard::$1"
  exit 2
}

is_new_enough() {
  "$1" -I -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate candidates=(python3 python python3.14 python3.13 python3.12 python3.11)
  [[ -z $LG_PYTHON ]] || candidates=("$LG_PYTHON")
  for candidate in "${candidates[@]}"; do
    if is_new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
  done
}

version_of() {
  "$1" --version 2>/dev/null | sed -e 's/^leakguard //' -e 's/[[:space:]]*$//'
}

pip_install() {
  "$python" -I -m pip install --quiet --no-input --disable-pip-version-check "$@"
}

install() {
  local found here
  found=$(find_python)
  [[ -n $found ]] || fail "needs Python 3.11 or newer with venv: set one up before this step, or name it in the input 'python'"
  "$found" -I -m venv "$environment"
  [[ -d $environment/bin ]] || bin=$environment/Scripts
  python=$bin/python
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  pip_install --no-compile --require-hashes --only-binary=:all: --requirement "$here/requirements.txt"
  if [[ -n $LG_VERSION ]]; then
    pip_install --no-deps --only-binary=:all: "leakguard-ci==$LG_VERSION"
  else
    pip_install --no-deps --no-build-isolation --no-index "$here/../.."
  fi
}

[[ -z $LG_VERSION || $LG_VERSION =~ ^[0-9][0-9A-Za-z.+!-]*$ ]] || fail "'version' is no version"
environment=${RUNNER_TEMP:?}/leakguard${LG_VERSION:+-$LG_VERSION}
bin=$environment/bin
[[ -d $bin || ! -d $environment/Scripts ]] || bin=$environment/Scripts

case $LG_INSTALL in
  true)
    # Another of our actions may have been here before in this job.
    if [[ -z $(version_of "$bin/leakguard") ]]; then
      install
    fi
    ;;
  false)
    found=$(command -v leakguard) || fail "there is no leakguard on the PATH: leave out 'install: false'"
    bin=$(dirname "$found")
    ;;
  *) fail "'install' is neither true nor false" ;;
esac

version=$(version_of "$bin/leakguard") || fail "leakguard does not start"
{
  echo "bin-dir=$bin"
  echo "version=$version"
} >>"${GITHUB_OUTPUT:?}"
echo "$bin" >>"${GITHUB_PATH:?}"
echo "leakguard $version"
