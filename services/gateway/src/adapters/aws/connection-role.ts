import { type ProjectedConnection, SluiceError, validate } from '@sluice/contracts'
import { Type } from 'typebox'

/** The role that a connection is reached by, and how the gateway assumes it. */
export interface ConnectionRole {
  readonly arn: string
  /** What the role's trust policy asks for: unique to the connection, so that no other one can be made to use the role. */
  readonly externalId: string
  readonly region: string
  /** Shown with every call in the role's account (AWS CloudTrail). */
  readonly sessionName: string
}

/** @throws SluiceError `credential_unavailable` when the connection's config names no role */
export function connectionRole({ name, config }: ProjectedConnection): ConnectionRole {
  const role = validate(RoleConfig, config)
  if (!role.valid) {
    const fields = role.errors.map(({ field }) => field).join(', ')
    throw new SluiceError('credential_unavailable', `the connection's config names no role: ${fields}`)
  }
  const { iamRoleArn, externalId, region } = role.value
  return { arn: iamRoleArn, externalId, region, sessionName: `sluice-${name}`.slice(0, MAX_SESSION_NAME_LENGTH) }
}

const RoleConfig = Type.Object({
  iamRoleArn: Type.String({ minLength: 1 }),
  externalId: Type.String({ minLength: 1 }),
  region: Type.String({ minLength: 1 }),
})

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const MAX_SESSION_NAME_LENGTH = 64
