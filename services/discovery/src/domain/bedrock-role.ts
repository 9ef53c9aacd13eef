import { type ProjectedConnection, SluiceError, validate } from '@sluice/contracts'
import { Type } from 'typebox'

/** The role that a Bedrock connection is reached by. */
export interface BedrockRole {
  readonly arn: string
  /** What the role's trust policy asks for: unique to the connection, so that no other one can be made to use the role. */
  readonly externalId: string
  readonly region: string
}

/** @throws SluiceError `invalid_request` when the connection is to another provider, or its config names no role */
export function bedrockRole({ provider, config }: ProjectedConnection): BedrockRole {
  if (provider !== 'aws-bedrock') {
    throw new SluiceError(
      'invalid_request',
      'Only AWS tells limits when it is asked; the connection is to another provider.',
    )
  }
  const role = validate(RoleConfig, config)
  if (!role.valid)
    throw new SluiceError('invalid_request', "The connection's config names no role.", { fields: role.errors })
  const { iamRoleArn, externalId, region } = role.value
  return { arn: iamRoleArn, externalId, region }
}

const RoleConfig = Type.Object({
  iamRoleArn: Type.String({ minLength: 1 }),
  externalId: Type.String({ minLength: 1 }),
  region: Type.String({ minLength: 1 }),
})
