# shellcheck shell=bash disable=SC2154
# The Azure rows of what run.sh measures; see groups.sh. They need no service.

azure_presign() {
    sample "$1" parts "$2" "${limit[@]}" "${pinned[@]}" "$blobbench" azure-sign
    sample "$1" blobs "$2" "${limit[@]}" "${pinned[@]}" "$blobbench" azure-sign --blobs --count 10
}
