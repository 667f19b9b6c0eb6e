# wsgi.py: PUT stores a body under its path, GET gives it back: a WSGI application, for whatever
# serves such. The rule: what is answered comes from the one dictionary, under its lock.
import threading

values = {}
lock = threading.Lock()


def application(environ, start_response):
    path = environ['PATH_INFO']
    status = '200 OK'
    if environ['REQUEST_METHOD'] == 'PUT':
        body = environ['wsgi.input'].read(int(environ['CONTENT_LENGTH'] or 0))
        with lock:
            values[path] = body
        answer = b'stored %d' % len(body)
    else:
        with lock:
            answer = values.get(path)
        if answer is None:
            status, answer = '404 Not Found', b'none'
    start_response(status, [('Content-Length', str(len(answer)))])
    return [answer]
