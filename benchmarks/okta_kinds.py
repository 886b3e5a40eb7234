"""The event types, people and places of the System Log that benchmarks.okta_events writes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One event type of the log: how often it comes (weight), and what is particular to it."""

    event_type: str
    legacy: str | None
    message: str
    weight: int
    uri: str
    targets: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    severity: str = "INFO"
    actor: str = "User"
    debug: tuple[str, ...] = ()


KINDS = (
    Kind(
        "user.session.start",
        "core.user_auth.login_success",
        "User login to Okta",
        22,
        "/idp/idx/identify",
        ("AuthenticatorEnrollment", "AppInstance"),
        ("INVALID_CREDENTIALS", "VERIFICATION_ERROR"),
        debug=("behaviors", "risk", "agent"),
    ),
    Kind("user.session.end", "core.user_auth.logout_success", "User logout from Okta", 8, "/login/signout"),
    Kind(
        "policy.evaluate_sign_on",
        None,
        "Evaluation of sign-on policy",
        20,
        "/api/v1/authn/factors/verify",
        ("PolicyEntity", "PolicyRule"),
        debug=("behaviors", "risk", "assurance"),
    ),
    Kind(
        "user.authentication.sso",
        "app.auth.sso",
        "User single sign on to app",
        18,
        "/app/{app}/sso/saml",
        ("AppInstance", "AppUser"),
        debug=("saml", "agent"),
    ),
    Kind(
        "user.authentication.auth_via_mfa",
        "core.user.factor.attempt_success",
        "Authentication of user via MFA",
        12,
        "/idp/idx/challenge/answer",
        ("User",),
        ("INVALID_PASSCODE", "FASTPASS_DENIED"),
        debug=("factor", "behaviors", "agent"),
    ),
    Kind(
        "group.user_membership.add",
        "core.user_group_member.user_add",
        "Add user to group membership",
        3,
        "/api/v1/groups/{id}/users/{id}",
        ("User", "UserGroup"),
        debug=("trigger",),
    ),
    Kind(
        "user.account.update_password",
        "core.user.config.password_update.success",
        "User update password for Okta",
        2,
        "/signin/reset-password",
        ("User",),
        ("PASSWORD_POLICY_VIOLATION",),
        debug=("behaviors", "risk"),
    ),
    Kind(
        "user.lifecycle.create",
        "core.user.config.user_creation.success",
        "Create Okta user",
        1,
        "/api/v1/users",
        ("User",),
    ),
    Kind(
        "application.user_membership.add",
        "app.user_membership.add",
        "Add user to application membership",
        3,
        "/api/v1/apps/{id}/users",
        ("AppUser", "AppInstance", "User"),
        debug=("trigger",),
    ),
    Kind(
        "application.lifecycle.update",
        "app.generic.config.app_updated",
        "Update application",
        1,
        "/admin/app/{app}/instance/{id}/settings",
        ("AppInstance",),
        debug=("changes",),
    ),
    Kind(
        "security.threat.detected",
        "security.threat.detected",
        "Request from suspicious actor",
        2,
        "/app/office365/{id}/sso/wsfed/active",
        (),
        ("Login Failures", "Password Spray"),
        "WARN",
        "IP address",
        ("threat",),
    ),
    Kind("system.api_token.create", "api.token.create", "Create API token", 1, "/api/internal/tokens", ("Token",)),
    Kind(
        "system.org.rate_limit.warning",
        "core.framework.ratelimit.warning",
        "Rate limit warning",
        1,
        "/api/v1/logs",
        ("URL Pattern",),
        (),
        "WARN",
        "SystemPrincipal",
        ("limit",),
    ),
    Kind(
        "system.agent.ad.read_topology",
        None,
        "Read AD topology",
        1,
        "/api/1/internal/app/activedirectory/agent/nextAction",
        ("AppInstance",),
        (),
        "DEBUG",
        "SystemPrincipal",
    ),
)

AGENTS = (
    (
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
        ),
        "Mac OS X",
        "CHROME",
        "Computer",
    ),
    (
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
            "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0"
        ),
        "Windows 10",
        "EDGE",
        "Computer",
    ),
    (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) "
            "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.2 Mobile/15E148"
        ),
        "iOS (iPhone)",
        "SAFARI",
        "Mobile",
    ),
    ("okta-agent/3.18.0 (Windows Server 2022)", "Unknown", "UNKNOWN", "Unknown"),
)

PLACES = (
    ("Rotterdam", "South Holland", "Netherlands", "3011", 51.9225, 4.47917, 1136, "kpn b.v.", "kpn.net"),
    ("Austin", "Texas", "United States", "78701", 30.2672, -97.7431, 7018, "at&t internet", "sbcglobal.net"),
    ("Pune", "Maharashtra", "India", "411001", 18.5204, 73.8567, 24560, "bharti airtel", "airtel.in"),
    ("São Paulo", "São Paulo", "Brazil", "01310", -23.5505, -46.6333, 26599, "telefonica brasil", "vivo.com.br"),
    ("Osaka", "Osaka", "Japan", "530-0001", 34.6937, 135.5023, 2516, "kddi corporation", "dion.ne.jp"),
)

APPS = (
    "Salesforce.com",
    "Amazon Web Services",
    "GitHub Enterprise",
    "Workday",
    "Slack",
    "Okta Admin Console",
    "Zendesk",
)
GROUPS = ("Engineering", "Finance", "All Contractors", "VPN Users", "Payroll Admins", "On-call")
NAMES = (
    "Ada",
    "Bram",
    "Chidi",
    "Dewi",
    "Elif",
    "Femi",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kavya",
    "Liam",
    "Mei",
    "Noor",
    "Otto",
    "Priya",
)
FAMILIES = (
    "Visser",
    "Okafor",
    "Tanaka",
    "Silva",
    "Jensen",
    "Rao",
    "Müller",
    "Garcia",
    "Kowalska",
    "O'Neil",
    "Haddad",
    "Nguyen",
)

DEBUG_DATA: dict[str, dict[str, str]] = {
    "behaviors": {
        "behaviors": "{New Geo-Location=NEGATIVE, New Device=NEGATIVE, New IP=NEGATIVE, New State=NEGATIVE, "
        "New Country=NEGATIVE, Velocity=NEGATIVE, New City=NEGATIVE}"
    },
    "risk": {"risk": "{level=LOW}"},
    "agent": {
        "oktaUserAgentExtended": "okta-auth-js/7.8.1 okta-signin-widget-7.24.0",
        "authnRequestId": "Zvpl28xuB0fcQ@9x0aAAAAbw",
    },
    "assurance": {
        "signOnMode": "SAML_2_0",
        "constraints": "[possession, knowledge]",
        "methodTypeUsed": "Get a push notification",
        "authenticatorsUsed": '[{"key":"okta_verify","method":"push"},{"key":"okta_password","method":"password"}]',
    },
    "saml": {
        "initiationType": "SP_INITIATED",
        "signOnMode": "SAML 2.0",
        "audience": "https://saml.salesforce.example",
        "subject": "persistent",
    },
    "factor": {
        "factor": "OKTA_VERIFY_PUSH",
        "factorIntent": "AUTHENTICATION",
        "pushOnlyResponseType": "OV_RESPONSE_ALLOW",
    },
    "trigger": {"triggeredByGroupRuleId": "0pr3f7zMZZHPgUoWO0g4", "grantedBy": "GROUP_RULE"},
    "changes": {"changeDetails": '{"from":{"visibility":"hidden"},"to":{"visibility":"shown"}}'},
    "threat": {"threatDetections": '{"Login Failures":"HIGH","Password Spray":"MEDIUM"}'},
    "limit": {
        "threshold": "1200",
        "timeSpan": "1",
        "timeUnit": "MINUTES",
        "rateLimitBucketUuid": "b1d6-22ab",
        "warningPercent": "90",
    },
}
