import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'
import { KeyServiceId } from './keys/envelope.ts'

/** Every setting of the service, as environment variables. */
export type ConnectionsConfig = Static<typeof ConnectionsConfig>
export const ConnectionsConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL, `postgres://user:password@host:port/database`. The service keeps to the schema `connections` of it. */
  DATABASE_URL: Type.String({ minLength: 1 }),
  /** The admin API's address and port; 0 takes a free port. */
  ADMIN_HOST: Type.String({ default: '127.0.0.1' }),
  ADMIN_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8081 }),
  /** What wraps new data keys; the other one unwraps what it wrapped in the past, where its settings are there too. */
  KEY_SERVICE: Type.Union([...KeyServiceId.anyOf], { default: 'libsodium' }),
  /**
   * Key or alias of AWS KMS, as ARN, id or name. More may follow, comma-separated: the first wraps, and every key of the same accounts
   * and regions unwraps.
   */
  KMS_KEY_ID: Type.Optional(Type.String()),
  /** Where KMS is, if not at AWS' own address of the region: `http://127.0.0.1:4566`. */
  KMS_ENDPOINT: Type.Optional(Type.String()),
  /** How long one operation of KMS may take with all its retries, in milliseconds. */
  KMS_TIMEOUT_MS: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
  /** Region and credentials for AWS; what is absent is found where AWS' SDK always looks: profile, container, instance. */
  AWS_REGION: Type.Optional(Type.String()),
  AWS_ACCESS_KEY_ID: Type.Optional(Type.String()),
  AWS_SECRET_ACCESS_KEY: Type.Optional(Type.String()),
  AWS_SESSION_TOKEN: Type.Optional(Type.String()),
  /**
   * How long a replaced credential is kept, to be rolled back to, in milliseconds; it is destroyed within a minute after. 0: it
   * cannot be rolled back to.
   */
  CREDENTIAL_GRACE_MS: Type.Integer({ minimum: 0, maximum: 90 * 24 * 3_600_000, default: 24 * 3_600_000 }),
  /** File of master keys, 32 bytes in base64, one a line: the first wraps, all unwrap. Nobody but its owner may read it. */
  MASTER_KEY_FILE: Type.Optional(Type.String()),
  /** The same as text, one key a line, where there is no file. */
  MASTER_KEY: Type.Optional(Type.String()),
  /** How often one address may bring a wrong operator token, in a minute, before it is answered 429 for a while. */
  LOGIN_FAILURES_PER_MINUTE: Type.Integer({ minimum: 1, maximum: 60_000, default: 10 }),
  /**
   * Proxies in front of the admin API, comma-separated addresses and networks (`10.0.0.0/8`), whose `X-Forwarded-For` and
   * `X-Forwarded-Proto` tell where a request came from.
   */
  TRUSTED_PROXIES: Type.Optional(Type.String()),
  /** Whether console sessions are for TLS only. So they are anyway where a request came over TLS, as a trusted proxy tells. */
  COOKIE_SECURE: Type.Boolean({ default: false }),
  /** Where the first operator token is written when there is none (mode 0600). Absent: none is made at start. */
  OPERATOR_TOKEN_FILE: Type.Optional(Type.String()),
  /** Where AWS roles are assumed for connection tests; AWS's own address when absent. */
  STS_ENDPOINT: Type.Optional(Type.String()),
  /**
   * Who gateways and this service are in AWS, for the trust policies that are shown: ARN of a role, of a user, or of their account
   * (`arn:aws:iam::111122223333:root`) where they run as several. Never of a session (`assumed-role`).
   */
  AWS_PRINCIPAL_ARN: Type.Optional(
    Type.String({
      pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$',
      errorMessage:
        'must be the ARN of an IAM role or user or of an account, such as arn:aws:iam::111122223333:role/sluice',
    }),
  ),
  /** Where `cfn/bedrock-iam-role.yaml` is in S3, for CloudFormation in the accounts of roles to read: `https://…`. */
  CFN_TEMPLATE_URL: Type.Optional(
    Type.String({
      pattern: '^https://[^\\s#]+$',
      maxLength: 1_024,
      errorMessage: 'must be a URL that begins with https://, without spaces and "#", of at most 1024 characters',
    }),
  ),
  /** Whether a base URL may be http to this machine itself: for tests and demos. */
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({ default: false }),
})
