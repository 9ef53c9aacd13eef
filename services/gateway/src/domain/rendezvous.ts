/**
 * Orders `members` by highest random weight for `key`: every gateway finds the same first one, and a member that comes or goes
 * moves only the keys that it is first for.
 *
 * @see Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996
 */
export function rendezvousOrder(members: readonly string[], key: string): string[] {
  return members
    .map((member) => ({ member, weight: weight(member, key) }))
    .sort((a, b) => b.weight - a.weight || (a.member < b.member ? -1 : 1))
    .map(({ member }) => member)
}

/** 32 bits: FNV-1a over both, with a last mix (of MurmurHash3) since FNV's high bits vary little between similar names. */
function weight(member: string, key: string): number {
  let hash = 0x811c9dc5
  for (const text of [member, '/', key]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
