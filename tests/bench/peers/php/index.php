<?php
// The lab's four measured routes in plain PHP with PDO: persistent connections, one round trip a statement, opcache.
declare(strict_types=1);

const TEXTS = ['name' => [1, 200], 'specimen' => [1, 200], 'instrument' => [1, 100]];
const NUMBERS = ['objective_magnification' => 250, 'numerical_aperture' => 1.7, 'pixel_size_um' => 100,
	'exposure_ms' => 60000, 'fps' => 1000];
const SHOWN = 'id, name, accession, description, specimen, instrument, objective_magnification, numerical_aperture, '
	. 'pixel_size_um, exposure_ms, fps, frame_count, tags, status, '
	. 'to_char(started_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS started_at, '
	. 'to_char(finished_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS finished_at, '
	. 'to_char(published_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS published_at, published_by, '
	. 'to_char(created_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS created_at, '
	. 'to_char(updated_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') AS updated_at, version';

function query(string $sql, array $values): array
{
	$pdo = new PDO(sprintf('pgsql:host=%s;dbname=%s;user=%s', getenv('PGHOST'), getenv('PGDATABASE'), getenv('PGUSER')),
		options: [PDO::ATTR_PERSISTENT => true, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
			PDO::PGSQL_ATTR_DISABLE_PREPARES => true]);
	$statement = $pdo->prepare($sql);
	$statement->execute($values);
	return $statement->fetchAll(PDO::FETCH_ASSOC);
}

function view(array $row): array
{
	$row['tags'] = json_decode($row['tags']);
	foreach (array_keys(NUMBERS) as $name)
		$row[$name] = (float)$row[$name];
	return $row;
}

function answer(mixed $value, int $status = 200): never
{
	http_response_code($status);
	header('Content-Type: application/json');
	echo json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
	exit;
}

function faults(array $body): array
{
	$faults = [];
	foreach (TEXTS as $name => [$least, $most]) {
		$value = $body[$name] ?? null;
		if (!is_string($value) || iconv_strlen($value) < $least || iconv_strlen($value) > $most)
			$faults[] = $name;
	}
	foreach (NUMBERS as $name => $most) {
		$value = $body[$name] ?? null;
		if (!(is_int($value) || is_float($value)) || $value <= 0 || $value > $most)
			$faults[] = $name;
	}
	$count = $body['frame_count'] ?? 0;
	if (!is_int($count) || $count < 0 || $count > 100000000)
		$faults[] = 'frame_count';
	$accession = $body['accession'] ?? null;
	if ($accession !== null && !(is_string($accession) && preg_match('/^[A-Z]{2,5}-[0-9]{4}-[0-9]{4}$/D', $accession)))
		$faults[] = 'accession';
	$description = $body['description'] ?? null;
	if ($description !== null && !(is_string($description) && iconv_strlen($description) <= 4000))
		$faults[] = 'description';
	$tags = $body['tags'] ?? [];
	if (!is_array($tags) || count($tags) > 20 || count(array_unique($tags)) !== count($tags))
		$faults[] = 'tags';
	else
		foreach ($tags as $tag)
			if (!is_string($tag) || strlen($tag) > 40 || !preg_match('/^[a-z0-9][a-z0-9 -]*$/D', $tag))
				$faults[] = 'tags';
	foreach (['started_at', 'finished_at'] as $name)
		if (isset($body[$name]) && date_create_immutable((string)$body[$name]) === false)
			$faults[] = $name;
	$known = [...array_keys(TEXTS), ...array_keys(NUMBERS), 'frame_count', 'accession', 'description', 'tags',
		'started_at', 'finished_at'];
	return [...$faults, ...array_diff(array_keys($body), $known)];
}

function ulid(): string
{
	$bits = bits((int)(microtime(true) * 1000), random_bytes(10));
	$id = '';
	foreach (str_split($bits, 5) as $five)
		$id .= '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[bindec($five)];
	return $id;
}

// 130 bits as text: two of padding, 48 of time, 80 at random.
function bits(int $milliseconds, string $random): string
{
	$bits = '00' . str_pad(decbin($milliseconds), 48, '0', STR_PAD_LEFT);
	foreach (str_split($random) as $byte)
		$bits .= str_pad(decbin(ord($byte)), 8, '0', STR_PAD_LEFT);
	return $bits;
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/api/v1/ping')
	answer(['message' => 'pong', 'service' => 'lab', 'time' => date_create('now')->format('Y-m-d\TH:i:s.u\Z')]);

// Computes without a pause, as the probe's /spin does.
if ($path === '/api/v1/spin') {
	$until = hrtime(true) + (int)$_GET['ms'] * 1000000;
	while (hrtime(true) < $until);
	answer(['ms' => (int)$_GET['ms']]);
}

if ($path === '/api/v2/experiments') {
	$size = filter_var($_GET['size'] ?? 20, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1, 'max_range' => 100]]);
	if ($size === false)
		answer(['errors' => ['size']], 422);
	$rows = query('SELECT ' . SHOWN . ' FROM experiments WHERE NOT is_deleted AND id > ? ORDER BY id LIMIT ?',
		[$_GET['cursor'] ?? '', $size + 1]);
	$more = count($rows) > $size;
	$rows = array_map('view', array_slice($rows, 0, $size));
	answer(['data' => $rows,
		'meta' => ['size' => $size, 'has_next' => $more, 'next_cursor' => $more ? end($rows)['id'] : null]]);
}

if ($path === '/api/v1/experiments' && $_SERVER['REQUEST_METHOD'] === 'POST') {
	$body = json_decode(file_get_contents('php://input'), true);
	if (!is_array($body))
		answer(['errors' => ['body']], 400);
	if ($faults = faults($body))
		answer(['errors' => $faults], 422);
	$rows = query('INSERT INTO experiments (id, name, accession, description, specimen, instrument, '
		. 'objective_magnification, numerical_aperture, pixel_size_um, exposure_ms, fps, frame_count, tags, status, '
		. 'started_at, finished_at, created_at, updated_at, is_deleted, version) '
		. 'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \'planned\', ?, ?, now(), now(), false, 1) RETURNING ' . SHOWN,
		[ulid(), $body['name'], $body['accession'] ?? null, $body['description'] ?? null, $body['specimen'],
			$body['instrument'], $body['objective_magnification'], $body['numerical_aperture'], $body['pixel_size_um'],
			$body['exposure_ms'], $body['fps'], $body['frame_count'] ?? 0, json_encode($body['tags'] ?? []),
			$body['started_at'] ?? null, $body['finished_at'] ?? null]);
	answer(view($rows[0]), 201);
}

if (preg_match('~^/api/v1/experiments/([0-9A-Z]{26})$~D', $path, $match)) {
	$rows = query('SELECT ' . SHOWN . ' FROM experiments WHERE id = ? AND NOT is_deleted', [$match[1]]);
	$rows === [] ? answer(['status' => 404], 404) : answer(view($rows[0]));
}
answer(['status' => 404], 404);
