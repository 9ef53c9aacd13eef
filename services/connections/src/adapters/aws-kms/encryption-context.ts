import type { EnvelopeContext } from '../../domain/envelope.ts'

/**
 * What KMS binds a wrapped data key to: connection id and version for a credential, the whole context for anything else. The
 * provider is bound by the credential's own additional data. KMS shows it in CloudTrail, so that it never holds a secret.
 */
export function encryptionContext(context: EnvelopeContext): Record<string, string> {
  const { connectionId, version } = context
  return connectionId === undefined || version === undefined ? { ...context } : { connectionId, version }
}
