import { type FieldError, validate } from '@sluice/contracts'
import { Type } from 'typebox'

/** The role that a Bedrock connection is reached by. */
export interface BedrockRole {
  readonly arn: string
  /** What the role's trust policy asks for: unique to the connection, so that no other one can be made to use the role. */
  readonly externalId: string
  readonly region: string
}

/** The role that a stored connection's config names, or what is wrong with it. */
export function readBedrockRole(
  config: unknown,
): { readonly valid: true; readonly role: BedrockRole } | { readonly valid: false; readonly errors: FieldError[] } {
  const read = validate(RoleConfig, config)
  if (!read.valid) return read
  const { iamRoleArn: arn, externalId, region } = read.value
  return { valid: true, role: { arn, externalId, region } }
}

const RoleConfig = Type.Object({
  iamRoleArn: Type.String({ minLength: 1 }),
  externalId: Type.String({ minLength: 1 }),
  region: Type.String({ minLength: 1 }),
})
