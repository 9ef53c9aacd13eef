import { endOfContainer, endOfString } from '../wire/json-member.ts'
import { foldedName } from './member-name.ts'

/** Members of a JSON document by which models are named, or that hold such members. */
export interface MemberWatch {
  /** Of each folded name, its bit in the set of those that an object has had. */
  readonly bits: ReadonlyMap<string, number>
  readonly spellings: ReadonlySet<string>
  /** Look into every object, not only into those that are reached through watched members. */
  readonly everywhere: boolean
}

/** @param names as they are spelt, 31 at most where spellings of one name count once */
export function memberWatch(names: readonly string[], everywhere = false): MemberWatch {
  const folded = [...new Set(names.map(foldedName))]
  if (folded.length > MAX_NAMES) throw new RangeError(`no more than ${MAX_NAMES} names can be watched`)
  return { bits: new Map(folded.map((name, i) => [name, 1 << i])), spellings: new Set(names), everywhere }
}

/**
 * Finds a watched member that two servers might read differently: it is twice in its object, or spelt in another case. Returns its
 * name as it is spelt; undefined where there is none. Reads the bytes once, and skips what holds no watched members.
 * @param json a JSON document, well-formed
 */
export function ambiguousMember(json: Buffer, watch: MemberWatch): string | undefined {
  /** For each object that is open the bits of those seen in it, for each array {@link ARRAY}. What is not watched is not opened. */
  const open: number[] = []
  let isKeyNext = false
  let isChildWatched = true
  for (let i = 0; i >= 0 && i < json.length; i++) {
    switch (json[i]) {
      case QUOTE: {
        const end = endOfString(json, i)
        if (end < 0) return undefined
        if (isKeyNext) {
          isKeyNext = false
          const name = spelt(json, i, end)
          const bit = watch.bits.get(foldedName(name)) ?? 0
          const seen = open[open.length - 1] ?? 0
          if (bit !== 0 && ((seen & bit) !== 0 || !watch.spellings.has(name))) return name
          open[open.length - 1] = seen | bit
          isChildWatched = watch.everywhere || bit !== 0
        }
        i = end - 1
        break
      }
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (isChildWatched) {
          isKeyNext = json[i] === OPEN_BRACE
          open.push(isKeyNext ? 0 : ARRAY)
        } else {
          const end = endOfContainer(json, i)
          if (end < 0) return undefined
          i = end - 1
        }
        break
      case COMMA:
        isKeyNext = open[open.length - 1] !== ARRAY
        // An array is open only where its elements are watched.
        isChildWatched = !isKeyNext
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop()
        isKeyNext = false
        break
    }
  }
  return undefined
}

function spelt(json: Buffer, start: number, end: number): string {
  const text = json.toString('utf8', start + 1, end - 1)
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text
}

const MAX_NAMES = 31
const ARRAY = -1
const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
