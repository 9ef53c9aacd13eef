import type { OutgoingHttpHeaders } from 'node:http'
import type { HeaderContext } from '../simulated-provider.ts'

/** The headers of every answer. Google tells no limits in them. */
export function headers({ processingMs }: HeaderContext): OutgoingHttpHeaders {
  return { 'server-timing': `gfet4t7; dur=${Math.round(processingMs)}`, vary: 'Origin, X-Origin, Referer' }
}
