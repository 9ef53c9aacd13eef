/** The secret config fields of a connection, such as `{apiKey}`: one credential, sealed and rotated as one. */
export type CredentialFields = Readonly<Record<string, string>>

/** What an operator recognises a credential by: `…` and its last four characters, only `…` where that would show too much. */
export function credentialHint(fields: CredentialFields): string {
  const [value = ''] = Object.values(fields)
  return value.length < MIN_LENGTH_SHOWN ? '…' : `…${value.slice(-4)}`
}

/** Four characters of twenty leave at least sixteen unknown. */
const MIN_LENGTH_SHOWN = 20
