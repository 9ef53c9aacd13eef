import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'
import { KeyServiceId } from './keys/envelope.ts'

/** The service's settings, as environment variables. */
export type ConnectionsConfig = Static<typeof ConnectionsConfig>
export const ConnectionsConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL, `postgres://user:password@host:port/database`. The service uses its schema `connections`. */
  DATABASE_URL: Type.String({ minLength: 1 }),
  /** The admin API's address and port; 0 chooses a free port. */
  ADMIN_HOST: Type.String({ default: '127.0.0.1' }),
  ADMIN_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8081 }),
  /**
   * The key service that wraps new data keys; the other one unwraps those that it wrapped earlier, if it is configured
   * too.
   */
  KEY_SERVICE: Type.Union([...KeyServiceId.anyOf], { default: 'libsodium' }),
  /**
   * Keys or aliases of AWS KMS, as ARN, id or name, comma-separated: the first wraps, and every key of the same
   * accounts and regions unwraps.
   */
  KMS_KEY_ID: Type.Optional(Type.String()),
  /** URL of KMS, if it is not AWS' own of the region: `http://127.0.0.1:4566`. */
  KMS_ENDPOINT: Type.Optional(Type.String()),
  /** How long one operation of KMS may take including its retries, in milliseconds. */
  KMS_TIMEOUT_MS: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
  /**
   * Region and credentials for AWS; absent ones are found by the AWS SDK's default chain: profile, container,
   * instance.
   */
  AWS_REGION: Type.Optional(Type.String()),
  AWS_ACCESS_KEY_ID: Type.Optional(Type.String()),
  AWS_SECRET_ACCESS_KEY: Type.Optional(Type.String()),
  AWS_SESSION_TOKEN: Type.Optional(Type.String()),
  /**
   * How long a replaced credential can be rolled back to, in milliseconds; it is destroyed within a minute after that.
   * 0: never.
   */
  CREDENTIAL_GRACE_MS: Type.Integer({ minimum: 0, maximum: 90 * 24 * 3_600_000, default: 24 * 3_600_000 }),
  /**
   * File of master keys, one per line, 32 bytes in base64: the first wraps, all unwrap. Only its owner may have
   * access.
   */
  MASTER_KEY_FILE: Type.Optional(Type.String()),
  /** The same as text, one key per line, without a file. */
  MASTER_KEY: Type.Optional(Type.String()),
  /** How many invalid operator tokens one address may send in a minute before it gets 429 for a while. */
  LOGIN_FAILURES_PER_MINUTE: Type.Integer({ minimum: 1, maximum: 60_000, default: 10 }),
  /**
   * Proxies in front of the admin API, comma-separated addresses and networks (`10.0.0.0/8`), whose `X-Forwarded-For`
   * and `X-Forwarded-Proto` are trusted.
   */
  TRUSTED_PROXIES: Type.Optional(Type.String()),
  /** Limits session cookies to TLS. They always are when the request came over TLS, as a trusted proxy says. */
  COOKIE_SECURE: Type.Boolean({ default: false }),
  /** File to which the first operator token is written when there is none (mode 0600). Absent: none is created. */
  OPERATOR_TOKEN_FILE: Type.Optional(Type.String()),
  /** URL of AWS STS for connection tests, if it is not AWS' own. */
  STS_ENDPOINT: Type.Optional(Type.String()),
  /**
   * The AWS principal of the gateways and of this service, for the trust policies that it returns: ARN of a role, of a
   * user, or of their account (`arn:aws:iam::111122223333:root`) if they have several. Never of a session
   * (`assumed-role`).
   */
  AWS_PRINCIPAL_ARN: Type.Optional(
    Type.String({
      pattern: '^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$',
      errorMessage:
        'must be the ARN of an IAM role or user or of an account, such as arn:aws:iam::111122223333:role/sluice',
    }),
  ),
  /** S3 URL of `cfn/bedrock-iam-role.yaml`, for CloudFormation in the roles' accounts: `https://…`. */
  CFN_TEMPLATE_URL: Type.Optional(
    Type.String({
      pattern: '^https://[^\\s#]+$',
      maxLength: 1_024,
      errorMessage: 'must be a URL that begins with https://, without spaces and "#", of at most 1024 characters',
    }),
  ),
  /** Allows base URLs with http to loopback addresses: for tests and demos. */
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({ default: false }),
})
