"""The credential files of an identity, all of them pointing at this server."""

import json

from oracles.gcs_identities import PROJECT, private_text
from oracles.gcs_tokens import SUBJECT_TOKEN_TYPE, pool_audience
from oracles.program import write_file


def describe(identity, origin, metadata_origin, workload_token, directory):
    """Writes the files; returns what a test needs to be this identity, and its subject token."""
    root = f"{origin}/_auth/{identity.name}"
    service_account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": identity.key_id,
        "private_key": private_text(identity.key),
        "client_email": identity.email,
        "client_id": identity.unique_id,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{root}/token",
        "universe_domain": "googleapis.com",
    }
    authorized_user = {
        "type": "authorized_user",
        "client_id": identity.client_id,
        "client_secret": identity.client_secret,
        "refresh_token": identity.refresh_token,
        "token_uri": f"{root}/token",
        "quota_project_id": PROJECT,
        "universe_domain": "googleapis.com",
    }
    prefix = identity.name + "-"
    token_path = write_file(directory, prefix + "subject-token", workload_token)
    json_token_path = write_file(
        directory, prefix + "subject-token.json", json.dumps({"id_token": workload_token})
    )
    external = {
        "type": "external_account",
        "universe_domain": "googleapis.com",
        "audience": pool_audience(identity),
        "subject_token_type": SUBJECT_TOKEN_TYPE,
        "token_url": f"{root}/sts",
    }
    format_of_token = {"type": "json", "subject_token_field_name": "id_token"}
    url_source = {
        "url": f"{root}/subject",
        "headers": {"x-subject-secret": identity.client_secret},
        "format": format_of_token,
    }
    documents = {
        "serviceAccount": service_account,
        "authorizedUser": authorized_user,
        "externalAccountFile": external | {"credential_source": {"file": token_path}},
        "externalAccountJSONFile": external
        | {"credential_source": {"file": json_token_path, "format": format_of_token}},
        "externalAccountURL": external | {"credential_source": url_source},
    }
    for target in sorted(identity.may_act_as):
        documents |= acting_as(target, origin, documents)
    files = {
        name: write_file(directory, f"{prefix}{name}.json", json.dumps(document))
        for name, document in documents.items()
    }
    return {
        "name": identity.name,
        "email": identity.email,
        "tokenURI": f"{root}/token",
        "path": f"/_auth/{identity.name}/",
        "metadataHost": metadata_origin.removeprefix("http://"),
        "subjectTokenFile": token_path,
        "files": files,
    }


def acting_as(target, origin, documents):
    """Files of an identity that becomes `target`; one target is all that tests need."""
    email = f"{target}@{PROJECT}.iam.gserviceaccount.com"
    url = f"{origin}/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return {
        "impersonatedServiceAccount": {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": url,
            "source_credentials": documents["authorizedUser"],
            "delegates": [],
        },
        "impersonatedFromServiceAccount": {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": url,
            "source_credentials": documents["serviceAccount"],
            "delegates": [],
        },
        "externalAccountImpersonated": documents["externalAccountFile"]
        | {"service_account_impersonation_url": url},
    }
