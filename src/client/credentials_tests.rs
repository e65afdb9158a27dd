use super::*;

fn read(variables: &[(&str, &str)], manifest: &Named) -> Result<Account, CredentialsError> {
    let environment = |name: &str| {
        let found = variables.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Account::from_environment(&environment, manifest).map(|found| found.account)
}

const BATCH: [(&str, &str); 3] = [
    ("AZURE_BATCH_ACCOUNT", "ba"),
    ("AZURE_BATCH_ACCESS_KEY", "YmE="),
    ("AZURE_BATCH_ENDPOINT", "ba.westeurope.batch.azure.com"),
];
const STORAGE: [(&str, &str); 2] = [
    ("AZURE_STORAGE_ACCOUNT", "sa"),
    ("AZURE_STORAGE_KEY", "c2E="),
];
const CONNECTION: (&str, &str) = (
    "AZURE_STORAGE_CONNECTION_STRING",
    "DefaultEndpointsProtocol=https;AccountName=cs;AccountKey=Y3M=;EndpointSuffix=core.chinacloudapi.cn",
);

/// name, endpoint, whether the key is the one in this text.
fn shape(account: &ServiceAccount, key: &str) -> (String, String, bool) {
    let key = AccountKey::from_base64(key).unwrap();
    (
        account.name.clone(),
        account.endpoint.to_string(),
        matches!(&account.credential, Credential::Key(own) if key.sign("x") == own.sign("x")),
    )
}

fn is(name: &str, endpoint: &str) -> (String, String, bool) {
    (name.to_owned(), endpoint.to_owned(), true)
}

#[test]
fn from_variables_alone() {
    let account = read(&[&BATCH[..], &STORAGE].concat(), &Named::default()).unwrap();
    assert_eq!(
        shape(&account.batch, "YmE="),
        is("ba", "https://ba.westeurope.batch.azure.com")
    );
    assert_eq!(
        shape(&account.storage, "c2E="),
        is("sa", "https://sa.blob.core.windows.net")
    );
}

#[test]
fn nextflow_names_come_second() {
    let account = read(
        &[
            ("AZURE_BATCH_ACCOUNT", " "),
            ("AZURE_BATCH_ACCOUNT_NAME", "nf"),
            ("AZURE_BATCH_ACCOUNT_KEY", "YmE="),
            ("AZURE_BATCH_ENDPOINT", "http://127.0.0.1:9/"),
            ("AZURE_STORAGE_ACCOUNT", "sa"),
            ("AZURE_STORAGE_ACCOUNT_NAME", "ignored"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "c2E="),
        ],
        &Named::default(),
    )
    .unwrap();
    assert_eq!(
        shape(&account.batch, "YmE="),
        is("nf", "http://127.0.0.1:9")
    );
    assert_eq!(account.storage.name, "sa");
}

#[test]
fn the_manifest_goes_before_the_environment() {
    let manifest = Named {
        batch_account: Some("mb".to_owned()),
        batch_endpoint: Some("https://mb.example".to_owned()),
        location: None,
        storage_account: Some("ms".to_owned()),
        storage_endpoint: None,
    };
    let account = read(&[&BATCH[..], &STORAGE].concat(), &manifest).unwrap();
    assert_eq!(
        shape(&account.batch, "YmE="),
        is("mb", "https://mb.example")
    );
    assert_eq!(
        shape(&account.storage, "c2E="),
        is("ms", "https://ms.blob.core.windows.net")
    );
}

#[test]
fn connection_strings() {
    let with = |text: &str| {
        let connection = ("AZURE_STORAGE_CONNECTION_STRING", text);
        read(&[&BATCH[..], &[connection]].concat(), &Named::default())
    };
    for (text, key, name, endpoint) in [
        (
            CONNECTION.1,
            "Y3M=",
            "cs",
            "https://cs.blob.core.chinacloudapi.cn",
        ),
        (
            "AccountName=a;AccountKey=a2V5Cg==;BlobEndpoint=http://127.0.0.1:10000/a;",
            "a2V5Cg==",
            "a",
            "http://127.0.0.1:10000/a",
        ),
        (
            "accountname=a ; ACCOUNTKEY=a2V5",
            "a2V5",
            "a",
            "https://a.blob.core.windows.net",
        ),
    ] {
        let account = with(text).unwrap();
        assert_eq!(shape(&account.storage, key), is(name, endpoint), "{text}");
    }
    let signed =
        "BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=?sv=1&sig=secret";
    let signed = with(signed).unwrap().storage;
    assert_eq!(signed.name, "a");
    assert!(
        matches!(&signed.credential, Credential::Sas(sas) if sas.expose() == "sv=1&sig=secret")
    );
    assert!(!format!("{signed:?}").contains("secret"));
    let emulator = with("UseDevelopmentStorage=true").unwrap().storage;
    assert_eq!(emulator.name, "devstoreaccount1");
    for (text, says) in [
        ("AccountName=a", "AccountKey"),
        ("AccountKey=a2V5", "AccountName"),
        ("nonsense", "Name=value"),
        ("AccountName=a;AccountKey=secret!", "no account key"),
    ] {
        let error = with(text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_connection_string_for_another_account_is_not_used() {
    let manifest = Named {
        storage_account: Some("ms".to_owned()),
        ..Named::default()
    };
    let error = read(&[&BATCH[..], &[CONNECTION]].concat(), &manifest).unwrap_err();
    assert!(matches!(error, CredentialsError::OtherAccount { .. }));
    let both = [&BATCH[..], &[CONNECTION], &STORAGE].concat();
    let account = read(&both, &manifest).unwrap();
    assert_eq!(
        shape(&account.storage, "c2E="),
        is("ms", "https://ms.blob.core.windows.net")
    );
}

#[test]
fn the_endpoint_follows_from_the_region() {
    let manifest = Named {
        location: Some("westeurope".to_owned()),
        ..Named::default()
    };
    let variables = [&BATCH[..2], &STORAGE].concat();
    let account = read(&variables, &manifest).unwrap();
    let endpoint = account.batch.endpoint.to_string();
    assert_eq!(endpoint, "https://ba.westeurope.batch.azure.com");
}

/// Which credentials are used, by the variables that are set; all but `sa` are of the Batch account alone.
#[test]
fn which_credentials_are_used() {
    const IDS: [(&str, &str); 2] = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    let tools = tempfile::tempdir().unwrap();
    std::fs::write(tools.path().join("az"), "").unwrap();
    let path = tools.path().to_str().unwrap();
    let with_ids = |more: &[(&'static str, &'static str)]| [&IDS[..], more].concat();
    let cases: [(Vec<(&str, &str)>, &str); 10] = [
        (
            with_ids(&[("AZURE_CLIENT_SECRET", "hidden")]),
            "Entra ID: AZURE_CLIENT_SECRET of the application c",
        ),
        (
            with_ids(&[("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")]),
            "Entra ID: the certificate /c.pem of the application c",
        ),
        (
            with_ids(&[("AZURE_FEDERATED_TOKEN_FILE", "/t")]),
            "Entra ID: AZURE_FEDERATED_TOKEN_FILE for the application c",
        ),
        (
            vec![("IDENTITY_ENDPOINT", "http://127.0.0.1/")],
            "Entra ID: the managed identity of this machine",
        ),
        (
            vec![("AZURE_MANAGED_IDENTITY_SYSTEM", "true")],
            "Entra ID: the managed identity of this machine",
        ),
        (
            vec![("AZURE_MANAGED_IDENTITY_USER", "u")],
            "Entra ID: the managed identity u",
        ),
        (
            vec![("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")],
            "Entra ID: the managed identity of this machine",
        ),
        (
            vec![("PATH", path)],
            "Entra ID: whoever is signed in with `az` or `azd`",
        ),
        (
            vec![("AZURE_STORAGE_SAS_TOKEN", "?sig=hidden"), ("PATH", path)],
            "AZURE_STORAGE_SAS_TOKEN",
        ),
        (vec![STORAGE[1], ("PATH", path)], "AZURE_STORAGE_KEY"),
    ];
    for (variables, from) in cases {
        let all = [&BATCH[..], &STORAGE[..1], &variables].concat();
        let environment = |name: &str| {
            let found = all.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let found = Account::from_environment(&environment, &Named::default()).unwrap();
        assert_eq!(found.batch_from, "AZURE_BATCH_ACCESS_KEY");
        assert_eq!(found.storage_from, from);
        assert!(!format!("{found:?}").contains("hidden"));
        // Asked for by name, a login goes before the key.
        if from == "AZURE_STORAGE_KEY" {
            let all = [&all[..], &[("AZURE_STORAGE_AUTH_MODE", "login")]].concat();
            let account = read(&all, &Named::default()).unwrap();
            let Credential::Entra(entra) = account.storage.credential else {
                panic!("{account:?}");
            };
            assert_eq!(entra, Entra::DeveloperTools);
        }
    }
    for (variables, says) in [
        (vec![("AZURE_CLIENT_SECRET", "hidden")], "AZURE_TENANT_ID"),
        (
            with_ids(&[
                ("AZURE_CLIENT_CERTIFICATE_PATH", "/c"),
                ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "hidden"),
            ]),
            "_PASSWORD",
        ),
        (
            vec![("AZURE_TOKEN_CREDENTIALS", "Clairvoyance")],
            "AZURE_TOKEN_CREDENTIALS",
        ),
    ] {
        let all = [&BATCH[..], &STORAGE[..1], &variables].concat();
        let error = read(&all, &Named::default()).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hidden"), "{error}");
    }
}

#[test]
fn everything_missing_is_named_at_once() {
    let error = read(&[], &Named::default()).unwrap_err().to_string();
    for name in [
        "AZURE_BATCH_ACCOUNT ",
        "AZURE_BATCH_ACCESS_KEY ",
        "AZURE_BATCH_ENDPOINT ",
        "AZURE_STORAGE_ACCOUNT ",
        "AZURE_STORAGE_KEY ",
        "AZURE_STORAGE_CONNECTION_STRING",
    ] {
        assert!(error.contains(name), "{error}");
    }
    let error = read(&BATCH, &Named::default()).unwrap_err().to_string();
    assert!(!error.contains("AZURE_BATCH"), "{error}");
}
