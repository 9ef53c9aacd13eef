import type { App } from './routes.ts'

/**
 * Takes bodies as JSON alone. An empty one counts as none: clients state the content type on requests without a body, too, and a
 * route that needs a body says so itself.
 */
export function parseBodies(app: App): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, body, done)
  })
}
