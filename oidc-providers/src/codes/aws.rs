//! AWS.

oidc_core::__codes! {
    AWS_ACCOUNT = "aws-account",
        "The account in the token is not the one in its role's ARN.",
        "Tell AWS: the token contradicts itself.";
    AWS_FUNCTION = "aws-function",
        "The token was asked for by another Lambda function than the publisher's, or by none.",
        "Publish from the publisher's function, or change its `lambda_function`.";
    AWS_ORGANIZATION = "aws-organization",
        "The account is of another organization than the publisher's.",
        "Publish from an account of the publisher's organization, or change the publisher.";
    AWS_REGION = "aws-region",
        "The token is of another region's endpoint than the publisher's.",
        "Ask the endpoint of the publisher's region, or change its `region`.";
    AWS_ROLE = "aws-role",
        "The job runs as another role than the publisher's.",
        "Publish as the publisher's role, or change the publisher.";
    AWS_TAGS = "aws-tags",
        "The role and its session lack a tag that the publisher asks for, or have another value in it.",
        "Tag the role, or change the publisher's `principal_tags`.";
}
