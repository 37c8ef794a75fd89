# What is sampled of Google Cloud Storage; sourced by run.sh. Needs no service: a service account's key
# signs here.

# A credential file with a key of this run.
prepare_gcs() {
    gcs_credentials=$work/gcs.json
    openssl genrsa -out "$work/gcs.pem" 2048 2>/dev/null
    python3 - "$work/gcs.pem" >"$gcs_credentials" <<'PY'
import json
import sys

with open(sys.argv[1], encoding="ascii") as file:
    key = file.read()
account = {"type": "service_account", "client_email": "b@p.iam.gserviceaccount.com"}
print(json.dumps(account | {"private_key_id": "benchmark", "private_key": key}))
PY
}

# By processor time, as ours.
openssl_signatures() {
    "${pinned[@]}" openssl speed -mr -seconds 2 rsa2048 2>/dev/null |
        awk -F: '$1 == "+F2" { print "urls_per_cpu_s", $4 }'
}

gcs_sign() {
    "${limit[@]}" "${pinned[@]}" "$blobbench" gcs-sign --credentials "$gcs_credentials" \
        --uri gs://bucket/a/key/of/usual/length.bin --count 4000 "$@"
}

gcs_presign() {
    sample "$1" parts "$2" gcs_sign
    sample "$1" openssl "$2" openssl_signatures
    sample "$1" single "$2" gcs_sign --parts 1
}

measure_gcs() {
    wanted gcs-presign || return 0
    prepare_gcs
    rounds gcs-presign gcs_presign
}
