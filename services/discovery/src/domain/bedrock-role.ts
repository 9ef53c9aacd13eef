import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import { type BedrockRole, readBedrockRole } from '@sluice/providers'

/** @throws SluiceError `invalid_request` when the connection is to another provider, or its config names no role */
export function bedrockRole({ provider, config }: ProjectedConnection): BedrockRole {
  if (provider !== 'aws-bedrock') {
    throw new SluiceError(
      'invalid_request',
      'Only AWS tells limits when it is asked; the connection is to another provider.',
    )
  }
  const read = readBedrockRole(config)
  if (read.valid) return read.role
  throw new SluiceError('invalid_request', "The connection's config names no role.", { fields: read.errors })
}
