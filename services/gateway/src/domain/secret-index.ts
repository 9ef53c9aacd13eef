import { isDistinctive } from './secret-text.ts'
import { NEVER, type Writing, writingsOf } from './secret-writings.ts'

/** Where a text has a run of a secret's characters: the first byte, and the one after the last. */
export interface SecretSpan {
  readonly start: number
  readonly end: number
}

/**
 * Finds secrets and their runs in bytes, in every writing. Made once for a credential, of some ten kilobytes for a usual key.
 *
 * A run has nine characters at least, in whatever writing, and so has four of its bytes at each of six places after one another. It is
 * enough, then, to look at the four bytes at every fifth place: a bit in a table says whether a writing may have them, and only where it
 * may, bytes are compared. What a text costs does not depend on how long secrets are.
 */
export class SecretIndex {
  /** Nothing is to be found. */
  readonly isEmpty: boolean
  readonly #writings: readonly Writing[]
  /** The fours of all writings, sorted, and where each is from. */
  readonly #fours: Uint32Array
  readonly #places: Uint32Array
  /** A bit for each hash of a four. */
  readonly #bits: Int32Array
  readonly #hashShift: number
  /** For each byte, where a writing has it. */
  readonly #placesOfByte: readonly (Uint32Array | undefined)[]

  /** @param secrets those that are not distinctive are left out: they are part of other texts */
  constructor(secrets: readonly string[]) {
    this.#writings = secrets.filter(isDistinctive).flatMap(writingsOf)
    this.isEmpty = this.#writings.length === 0
    const { fours, places } = sortedFours(this.#writings)
    this.#fours = fours
    this.#places = places
    const hashBits = Math.max(MIN_HASH_BITS, Math.ceil(Math.log2(fours.length * BITS_A_FOUR + 1)))
    this.#hashShift = 32 - hashBits
    this.#bits = new Int32Array(2 ** hashBits / 32)
    for (const four of fours) {
      const hash = Math.imul(four, HASH_FACTOR) >>> this.#hashShift
      this.#bits[hash >>> 5] = (this.#bits[hash >>> 5] as number) | (1 << (hash & 31))
    }
    this.#placesOfByte = placesByByte(this.#writings)
  }

  /**
   * Returns the first span from `from` on, or undefined. What may go on behind the end of `bytes` is no span yet, unless `isWhole`:
   * {@link openStart} tells where it begins.
   */
  find(bytes: Uint8Array, from: number, isWhole: boolean): SecretSpan | undefined {
    const bits = this.#bits
    const shift = this.#hashShift
    const last = bytes.length - FOUR
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = from; at <= last; at += STRIDE) {
      const hash = Math.imul(view.getInt32(at, true), HASH_FACTOR) >>> shift
      if (((bits[hash >>> 5] as number) & (1 << (hash & 31))) === 0) continue
      const span = this.#spanAt(bytes, at, isWhole)
      if (span === OPEN) return undefined
      if (span !== undefined) return span
    }
    return undefined
  }

  /** Returns where the longest end of `bytes` begins that a secret's run may begin with; their length where none does. */
  openStart(bytes: Uint8Array): number {
    const places = this.#placesOfByte[bytes[bytes.length - 1] ?? 0]
    let start = bytes.length
    if (places === undefined || start === 0) return start
    for (const place of places) {
      const { units, unit, form, offset } = this.#read(place)
      const begin = bytes.length - offset - 1
      const isLast = unit === units.length - 1 && offset === form.length - 1
      // None can begin before the first byte.
      if (start === 0) break
      if (isLast || begin < 0 || !isAt(bytes, begin, form, offset + 1)) continue
      start = Math.min(start, walkBack(bytes, units, unit, begin).at)
    }
    return start
  }

  /**
   * The run that has the four at `at`; the longest, where several have. {@link OPEN} where one that begins no later goes on to the end of
   * `bytes`: all that follows is part of it, as far as is known.
   */
  #spanAt(bytes: Uint8Array, at: number, isWhole: boolean): SecretSpan | typeof OPEN | undefined {
    const four = fourAt(bytes, at) >>> 0
    let openStart = NEVER
    let start = NEVER
    let end = 0
    for (let index = lowerBound(this.#fours, four); this.#fours[index] === four; index++) {
      const { units, leastEnds, unit, form, offset } = this.#read(this.#places[index] as number)
      const begin = at - offset
      if (begin < 0 || !isAt(bytes, begin, form, form.length)) continue
      const back = walkBack(bytes, units, unit, begin)
      // From the unit's own beginning, as it may be there in another form, too.
      const ahead = walkAhead(bytes, units, unit, begin)
      if (ahead.isOpen && !isWhole) {
        openStart = Math.min(openStart, back.at)
        if (openStart === 0) break
      } else if (ahead.unit >= (leastEnds[back.unit] ?? NEVER)) {
        start = Math.min(start, back.at)
        end = Math.max(end, ahead.at)
      }
    }
    if (start < openStart) return { start, end }
    return openStart === NEVER ? undefined : OPEN
  }

  #read(place: number): Writing & { readonly unit: number; readonly form: Buffer; readonly offset: number } {
    const { units, leastEnds } = this.#writings[place >>> WRITING_SHIFT] as Writing
    const unit = (place >>> UNIT_SHIFT) & 0xffff
    const form = units[unit]?.[(place >>> FORM_SHIFT) & 0x1f] as Buffer
    return { units, leastEnds, unit, form, offset: place & 0xf }
  }
}

const FOUR = 4
/** What begins here may go on behind the end. */
const OPEN = 'open'
/** Fives meet each byte of an escape of three or six bytes sooner or later, which sixes would not. */
const STRIDE = 5
/** Knuth's multiplicative hashing: 2³² divided by the golden ratio. */
const HASH_FACTOR = 0x9e3779b1
const MIN_HASH_BITS = 15
/** One place in so many has the bit of a four that is not there. */
const BITS_A_FOUR = 32

/** A place is packed as writing (7 bits), unit (16), form (5) and offset in the form (4). */
const WRITING_SHIFT = 25
const UNIT_SHIFT = 9
const FORM_SHIFT = 4

function placeOf(writing: number, unit: number, form: number, offset: number): number {
  return ((writing << WRITING_SHIFT) | (unit << UNIT_SHIFT) | (form << FORM_SHIFT) | offset) >>> 0
}

/** Every four bytes that the writings may have after one another, but for those that many texts have, and where each is from. */
function sortedFours(writings: readonly Writing[]): { readonly fours: Uint32Array; readonly places: Uint32Array } {
  const places: number[] = []
  const keys: number[] = []
  writings.forEach(({ units }, writing) => {
    // Of the units from each one on, the beginnings of one, two and three bytes. The last units come first.
    let later: readonly (readonly string[])[] = [[''], [], [], []]
    for (let unit = units.length - 1; unit >= 0; unit--) {
      const forms = (units[unit] ?? []).map((form) => form.toString('latin1'))
      forms.forEach((form, formIndex) => {
        for (let offset = leadOf(form); offset < form.length; offset++) {
          const begun = form.slice(offset, offset + FOUR)
          for (const rest of later[FOUR - begun.length] ?? []) {
            keys.push(fourOf(begun + rest))
            places.push(placeOf(writing, unit, formIndex, offset))
          }
        }
      })
      later = beginningsOf(forms, later)
    }
  })
  // One number for each, as numbers sort fastest: a four, and the index of its place.
  const order = Float64Array.from(keys, (four, index) => four * MAX_FOURS + index).sort()
  return {
    fours: Uint32Array.from(order, (key) => Math.floor(key / MAX_FOURS)),
    places: Uint32Array.from(order, (key) => places[key % MAX_FOURS] as number),
  }
}

/** Of a unit and those after it, by their length, what they may begin with; `later` is the same without the unit. */
function beginningsOf(forms: readonly string[], later: readonly (readonly string[])[]): string[][] {
  return [0, 1, 2, 3].map((length) => {
    const beginnings = new Set<string>()
    for (const form of forms) {
      const begun = form.slice(0, length)
      for (const rest of later[length - begun.length] ?? []) beginnings.add(begun + rest)
    }
    return [...beginnings]
  })
}

/** 53 bits, which numbers have, less the 32 of a four. */
const MAX_FOURS = 2 ** 21

/** How many bytes a form begins with that all escapes of its kind have: `\u00` says nothing of a secret, `00_` and its like do. */
function leadOf(form: string): number {
  return UNICODE_LEAD.exec(form)?.[0].length ?? 0
}

const UNICODE_LEAD = /^\\+u(?=00)/

function placesByByte(writings: readonly Writing[]): (Uint32Array | undefined)[] {
  const places = Array.from({ length: 256 }, (): number[] => [])
  writings.forEach(({ units }, writing) => {
    units.forEach((forms, unit) => {
      forms.forEach((form, formIndex) => {
        form.forEach((byte, offset) => {
          places[byte]?.push(placeOf(writing, unit, formIndex, offset))
        })
      })
    })
  })
  return places.map((ofByte) => (ofByte.length === 0 ? undefined : Uint32Array.from(ofByte)))
}

/** @param text four characters of Latin-1 */
function fourOf(text: string): number {
  return (
    (text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24)) >>> 0
  )
}

function fourAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** The index of the first that is not less than `four`. */
function lowerBound(fours: Uint32Array, four: number): number {
  let low = 0
  let high = fours.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((fours[middle] as number) < four) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether the first `length` bytes of `form` stand at `at`, as far as `bytes` go. */
function isAt(bytes: Uint8Array, at: number, form: Buffer, length: number): boolean {
  for (let index = 0; index < length; index++) if (bytes[at + index] !== form[index]) return false
  return true
}

/** How far a walk came: to which unit, and where that begins. */
interface Reach {
  readonly unit: number
  readonly at: number
}

/** Goes back from unit `unit`, which begins at `at`, as far as the units before it stand before it. */
function walkBack(bytes: Uint8Array, units: Writing['units'], unit: number, at: number): Reach {
  let first = unit
  // A character may be there in two ways, as `/` and as `\/`: usually it is in one.
  let starts = [at]
  while (first > 0) {
    const forms = units[first - 1] as readonly Buffer[]
    const before: number[] = []
    for (const start of starts) {
      for (const form of forms) {
        const begin = start - form.length
        if (begin >= 0 && isAt(bytes, begin, form, form.length) && !before.includes(begin)) before.push(begin)
      }
    }
    if (before.length === 0) break
    starts = before
    first--
  }
  return { unit: first, at: Math.min(...starts) }
}

/** Goes on from `at`, where unit `unit` would begin; `isOpen` where the bytes end before it is known how far the units go. */
function walkAhead(
  bytes: Uint8Array,
  units: Writing['units'],
  unit: number,
  at: number,
): Reach & { readonly isOpen: boolean } {
  let next = unit
  let ends = [at]
  let isOpen = false
  while (next < units.length) {
    const forms = units[next] as readonly Buffer[]
    const after: number[] = []
    for (const end of ends) {
      for (const form of forms) {
        const there = Math.min(form.length, bytes.length - end)
        if (!isAt(bytes, end, form, there)) continue
        if (there < form.length) isOpen = true
        else if (!after.includes(end + there)) after.push(end + there)
      }
    }
    if (after.length === 0) break
    ends = after
    next++
  }
  return { unit: next, at: Math.max(...ends), isOpen }
}
