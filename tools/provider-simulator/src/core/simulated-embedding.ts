/** Returns a vector of length 1 that depends only on the text: equal texts embed equally, others do not. */
export function simulatedEmbedding(text: string, dimensions: number): Float32Array {
  let state = hash(text)
  const vector = new Float32Array(dimensions)
  let squares = 0
  for (let index = 0; index < dimensions; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const component = state / 2 ** 31 - 1
    vector[index] = component
    squares += component * component
  }
  const length = Math.sqrt(squares)
  return vector.map((component) => component / length)
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  return value
}
