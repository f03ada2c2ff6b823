# Sourced by the scripts of this folder.
#   need COMMAND PACKAGE..    installs Debian packages if the command is missing
# Several tests may call it at once, and of two apt-get one fails: they take turns.
need() (
    ! command -v "$1" >/dev/null || exit 0
    exec 9>"/tmp/rememo-tests.install"; flock 9
    ! command -v "$1" >/dev/null || exit 0
    echo "${0##*/}: installing ${*:2}" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}" >&2
)
