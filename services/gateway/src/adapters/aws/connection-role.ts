import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import { type BedrockRole, readBedrockRole } from '@sluice/providers'

/** The role that a connection is reached by, and how the gateway assumes it. */
export interface ConnectionRole extends BedrockRole {
  /** Shown with every call in the role's account (AWS CloudTrail). */
  readonly sessionName: string
}

/** @throws SluiceError `credential_unavailable` when the connection's config names no role */
export function connectionRole({ name, config }: ProjectedConnection): ConnectionRole {
  const read = readBedrockRole(config)
  if (!read.valid) {
    const fields = read.errors.map(({ field }) => field).join(', ')
    throw new SluiceError('credential_unavailable', `the connection's config names no role: ${fields}`)
  }
  return { ...read.role, sessionName: `sluice-${name}`.slice(0, MAX_SESSION_NAME_LENGTH) }
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const MAX_SESSION_NAME_LENGTH = 64
