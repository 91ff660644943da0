//! Faults of a token source, on any platform.

oidc_core::__codes! {
    TOKEN_COMMAND_FAILED = "token-command-failed",
        "The command that gives identity tokens did not end in time, or printed too much.",
        "Run the job again; check what the command waits for.";
    TOKEN_COMMAND_MISSING = "token-command-missing",
        "The command that gives identity tokens is not installed.",
        "Install it where the job runs.";
    TOKEN_COMMAND_REFUSED = "token-command-refused",
        "The command that gives identity tokens ended with an error.",
        "See what the command says, by running it in the job.";
    TOKEN_COMMAND_UNUSABLE = "token-command-unusable",
        "The output of a command is no identity token.",
        "Let it print a token for the registry's audience, and nothing else.";
    TOKEN_ENDPOINT_ELSEWHERE = "token-endpoint-elsewhere",
        "A web page or a proxy answered instead of the platform.",
        "Have the proxy let the request through, or name the host in `no_proxy`.";
    TOKEN_ENDPOINT_REFUSED = "token-endpoint-refused",
        "The platform refused to give an identity token, or kept failing.",
        "See what the platform says, and run the job again.";
    TOKEN_ENDPOINT_UNAVAILABLE = "token-endpoint-unavailable",
        "No complete answer came from the platform to the request for an identity token.",
        "Run the job again, and check the connection to the host.";
    TOKEN_ENDPOINT_UNUSABLE = "token-endpoint-unusable",
        "The platform's answer holds no identity token.",
        "Run the job again; tell the platform if it persists.";
    TOKEN_FILE_MISSING = "token-file-missing",
        "The file that should hold an identity token can't be read.",
        "Let the platform write a token for the registry's audience there.";
    TOKEN_FILE_UNUSABLE = "token-file-unusable",
        "The content of a file is no identity token.",
        "Let the platform write a token for the registry's audience there.";
}
