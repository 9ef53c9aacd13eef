/** The secret config fields of a connection, such as `{apiKey}`: one credential, sealed and rotated as one. */
export type CredentialFields = Readonly<Record<string, string>>

/** What an operator recognises a credential by: `…` and its last four characters, only `…` where that would show too much. */
export function credentialHint(fields: CredentialFields): string {
  const [value = ''] = Object.values(fields)
  return value.length < MIN_LENGTH_SHOWN ? '…' : `…${value.slice(-4)}`
}

export type Servable = 'servable' | 'not_yet' | 'superseded'

/**
 * Whether `version` of a credential may be handed out at `now`. The version before the current one still may for a grace time
 * after the rotation: a gateway learns of the new version a moment later, and nothing it does until then may fail.
 */
export function servable(version: number, current: { version: number; rotatedAt: Date }, now: Date): Servable {
  if (version === current.version) return 'servable'
  if (version > current.version) return 'not_yet'
  const isInGrace = version === current.version - 1 && now.getTime() - current.rotatedAt.getTime() < ROTATION_GRACE_MS
  return isInGrace ? 'servable' : 'superseded'
}

export const ROTATION_GRACE_MS = 60_000
/** Four characters of twenty leave at least sixteen unknown. */
const MIN_LENGTH_SHOWN = 20
