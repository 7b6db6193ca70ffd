# What the scripts of this folder share; sourced in the root of the repository.
export NO_PROXY=127.0.0.1,10.0.0.0/8 PYTHONDONTWRITEBYTECODE=1
# Debian keeps some programs in a folder that is not everybody's PATH.
export PATH=$PATH:/usr/sbin
venv=e2e/.venv

# Install the packages of the programs that are missing.
need() { # PROGRAM:PACKAGE...
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ((${#missing[@]} == 0)) || install "${missing[@]}"
}

install() { # PACKAGE...
  echo "installing $*"
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$@" >/dev/null
}

install_python_packages() {
  need setpriv:util-linux
  python3 -c 'import ensurepip' 2>/dev/null || install python3-venv
  cmp --silent e2e/requirements.txt "$venv/installed" && return
  echo "installing the Python clients and SeaweedFS"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r e2e/requirements.txt
  cp e2e/requirements.txt "$venv/installed"
}

# $SIDEKICK or the release build, as $sidekick.
find_sidekick() {
  sidekick=${SIDEKICK:-}
  if [[ -z $sidekick ]]; then
    sidekick=${CARGO_TARGET_DIR:-target}/release/sidekick
    [[ -x $sidekick ]] || cargo build --release --locked
  fi
  sidekick=$(realpath "$sidekick")
}
