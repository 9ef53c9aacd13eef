import { type Static, Type } from 'typebox'

const Text = Type.String({ minLength: 1 })

const AccountQuota = Type.Object(
  {
    name: Text,
    /** Absent where Service Quotas could not find it out. */
    value: Type.Optional(Type.Number()),
  },
  { additionalProperties: false },
)
export type AccountQuota = Static<typeof AccountQuota>

/** The role by which an AWS account is reached, and whom it trusts. */
export const AccountRole = Type.Object(
  {
    arn: Type.String({ pattern: '^arn:aws:iam::\\d{12}:role/[\\w+=,.@/-]+$' }),
    /** What whoever assumes the role must name; nobody needs to if absent. */
    externalId: Type.Optional(Text),
    /** The one region in which its sessions may call Bedrock. */
    region: Text,
    /** The long-term key of the caller that may assume the role. */
    trustedCaller: Type.Object({ accessKeyId: Text, secretAccessKey: Text }, { additionalProperties: false }),
    /** How long a session lasts, whatever its caller asks: AWS itself grants no less than 900 s. */
    sessionSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
    /** The account's quotas of Bedrock's, for its sessions to list; absent: they may not. */
    serviceQuotas: Type.Optional(Type.Array(AccountQuota)),
  },
  { additionalProperties: false },
)
export type AccountRole = Static<typeof AccountRole>
