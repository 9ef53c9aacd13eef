/**
 * A member's name as the most lenient server might read it: without regard to case (Go's, with Unicode's foldings), and to what stands
 * between letters and digits (`max_tokens`, `maxTokens`).
 * @see https://pkg.go.dev/encoding/json#Unmarshal
 */
export function foldedName(name: string): string {
  // Upper case first: ſ becomes S, which lower case alone would leave.
  return name.toUpperCase().toLowerCase().replace(NO_LETTERS, '')
}

const NO_LETTERS = /[^a-z0-9]/g
