/** The model to call for a connection: the first that `allowedModels` names in full, without a `*`. */
export function modelToTry(allowedModels: readonly string[] = []): string | undefined {
  return allowedModels.find((pattern) => !pattern.includes('*'))
}
