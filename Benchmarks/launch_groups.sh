# shellcheck shell=bash disable=SC2154
# How soon a socket that a launcher asks for works.

start_launcher() {
    mkdir "$work/launched"
    cat >"$work/launch.yaml" <<YAML
listeners:
  - path: $work/launch
    admin: true
roots: [$store]
YAML
    start "$work/launch" "$blobrpcd" --log-level error --config "$work/launch.yaml"
}

launch() {
    local client
    client=(swift_client_of launch launch --executor client --uri "file://$small"
        --directory "$work/launched")
    sample "$1" added "$2" "${client[@]}"
    sample "$1" there "$2" "${client[@]}" --reuses
}

measure_launch() {
    wanted launch || return 0
    start_launcher
    rounds launch launch
}
