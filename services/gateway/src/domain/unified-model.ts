/** A model as the unified endpoint names it: `CONNECTION/MODEL`. */
export interface UnifiedModel {
  readonly connection: string
  /** The provider's own name, which may have slashes too. */
  readonly model: string
}

/** Undefined where the name has not both parts, or is longer than any. */
export function parseUnifiedModel(name: unknown): UnifiedModel | undefined {
  if (typeof name !== 'string' || name.length > MAX_LENGTH) return undefined
  const slash = name.indexOf('/')
  if (slash <= 0 || slash === name.length - 1) return undefined
  return { connection: name.slice(0, slash), model: name.slice(slash + 1) }
}

export function unifiedModelName(connection: string, model: string): string {
  return `${connection}/${model}`
}

/** A connection's name, and what an exchange with the capacity service takes as a model. */
const MAX_LENGTH = 64 + 512
