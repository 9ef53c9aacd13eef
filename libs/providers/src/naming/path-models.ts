/**
 * The models that a path may name, as `/engines/MODEL/completions`, `/deployments/MODEL/…` and `/models/MODEL:generate` do, with
 * escapes resolved. Never throws.
 */
export function pathModels(path: string): string[] {
  const segments = path.split('/').map(decoded)
  return segments.flatMap((segment, i) => {
    const model = segments[i + 1]
    if (!model || !HOLDERS.has(segment.toLowerCase())) return []
    return [i + 2 === segments.length ? withoutAction(model) : model]
  })
}

const HOLDERS: ReadonlySet<string> = new Set(['deployments', 'engines', 'model', 'models'])

function withoutAction(model: string): string {
  const colon = model.lastIndexOf(':')
  return colon <= 0 ? model : model.slice(0, colon)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // It is no name that could be allowed, and stays what it is.
    return segment
  }
}
