"""Planted answers of lab 01. Each docstring says what the student did."""

import torch
from planting import Answers

from gentutor.models import pca

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("fit", fails="value of the projector Theta Theta^T")
def fit(X, r):
    """Forgets to centre."""
    return X.mean(0), torch.linalg.svd(X, full_matrices=False).Vh[:r].T


@answers.wrong("fit", fails="shape of Theta")
def fit(X, r):
    """One component a row."""
    mean = X.mean(0)
    return mean, torch.linalg.svd(X - mean, full_matrices=False).Vh[:r]


@answers.wrong("fit", fails="shape of mean")
def fit(X, r):
    """One mean for each sample."""
    mean = X.mean(1)
    return mean, torch.linalg.svd(X - mean[:, None], full_matrices=False).Vh[:r].T


@answers.wrong("fit", fails="value of the projector Theta Theta^T")
def fit(X, r):
    """Keeps the smallest components: eigh sorts upwards."""
    mean = X.mean(0)
    return mean, torch.linalg.eigh((X - mean).T @ (X - mean)).eigenvectors[:, :r]


@answers.wrong("fit", fails="side effect on X")
def fit(X, r):
    """Centres the caller's data."""
    mean = X.mean(0)
    X -= mean
    return mean, torch.linalg.svd(X, full_matrices=False).Vh[:r].T


@answers.wrong("fit", fails="package's solution")
def fit(X, r):
    """Lets the package do it."""
    model = pca.fit(X, r)
    return model.mean, model.Theta


@answers.right("fit")
def fit(X, r):
    """Eigenvectors of the covariance, with other signs."""
    mean = X.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(X.T))
    return mean, -vectors[:, values.argsort(descending=True)[:r]]


@answers.right("fit")
def fit(X, r):
    """Samples as columns, the left factor, and a list for the result."""
    mean = torch.stack([column.mean() for column in X.T])
    U = torch.linalg.svd((X - mean).T, full_matrices=False).U
    return [mean, U[:, :r]]


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("encode_decode", fails="value of Y")
def encode(X, mean, Theta):
    """Does not subtract the mean."""
    return X @ Theta


@answers.wrong("encode_decode", fails="value of X_hat")
def decode(Y, mean, Theta):
    """Does not add the mean."""
    return Y @ Theta.T


@answers.wrong("encode_decode", fails="shape of Y")
def encode(X, mean, Theta):
    """Codes as columns."""
    return Theta.T @ (X - mean).T


@answers.wrong("encode_decode", fails="value of X_hat")
def decode(Y, mean, Theta):
    """Subtracts the mean."""
    return Y @ Theta.T - mean


@answers.wrong("encode_decode", fails="error")
def decode(Y, mean, Theta):
    """Forgets the transpose."""
    return mean + Y @ Theta


@answers.wrong("encode_decode", fails="dtype of Y")
def encode(X, mean, Theta):
    """Throws half of the digits away."""
    return (X - mean).float() @ Theta.float()


@answers.right("encode_decode")
def encode(X, mean, Theta):
    """Multiplies out, by einsum."""
    return torch.einsum("nd,dr->nr", X, Theta) - mean @ Theta


@answers.right("encode_decode")
def decode(Y, mean, Theta):
    """A loop over samples."""
    return torch.stack([mean + Theta @ y for y in Y])


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("errors", fails="value of squared_error")
def squared_error(X, X_hat):
    """A mean over features where the formula has a sum."""
    return (X - X_hat).square().mean()


@answers.wrong("errors", fails="value of squared_error")
def squared_error(X, X_hat):
    """The norm, not its square."""
    return (X - X_hat).norm(dim=1).mean()


@answers.wrong("errors", fails="gradient by X_hat")
def squared_error(X, X_hat):
    """A number that no gradient flows through."""
    return torch.tensor((X - X_hat).square().sum(1).mean().item(), dtype=X.dtype)


@answers.wrong("errors", fails="value of tail_error")
def tail_error(singular_values, n, r):
    """Singular values, not their squares."""
    return singular_values[r:].sum() / n


@answers.wrong("errors", fails="value of tail_error")
def tail_error(singular_values, n, r):
    """One component too few."""
    return singular_values[r + 1 :].square().sum() / n


@answers.wrong("errors", fails="value of tail_error with all kept")
def tail_error(singular_values, n, r):
    """Counts from the end: right until nothing is left there, since [-0:] is everything."""
    return singular_values[-(len(singular_values) - r) :].square().sum() / n


@answers.right("errors")
def squared_error(X, X_hat):
    """A Frobenius norm, squared."""
    return torch.linalg.matrix_norm(X - X_hat) ** 2 / len(X)


@answers.right("errors")
def tail_error(singular_values, n, r):
    """All minus the head, as a Python number."""
    total = sum(float(s) ** 2 for s in singular_values)
    return (total - sum(float(s) ** 2 for s in singular_values[:r])) / n


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("kept", fails="hole a: line 2")
def kept_answers():
    """Brings the factor 2 that is there already."""
    return {"a": r"2 x_\mu^T \Theta \Phi x_\mu", "b": r"\|z_\mu\|^2", "c": r"\frac{1}{n} X X^T"}


@answers.wrong("kept", fails="hole a: line 2")
def kept_answers():
    """A product of vectors of different lengths: the decoder is lost."""
    return {"a": r"x_\mu^T \Phi x_\mu", "b": r"\|z_\mu\|^2", "c": r"\frac{1}{n} X X^T"}


@answers.wrong("kept", fails="hole b: line 3")
def kept_answers():
    """Loses the square."""
    return {"a": r"x_\mu^T \Theta \Phi x_\mu", "b": r"\|z_\mu\|", "c": r"\frac{1}{n} X X^T"}


@answers.wrong("kept", fails="hole b: line 3")
def kept_answers():
    """The sign: a minus too many."""
    return {"a": r"x_\mu^T \Theta \Phi x_\mu", "b": r"-\|z_\mu\|^2", "c": r"\frac{1}{n} X X^T"}


@answers.wrong("kept", fails="hole c: line 4")
def kept_answers():
    """A sum where the mean belongs."""
    return {"a": r"x_\mu^T \Theta \Phi x_\mu", "b": r"\|z_\mu\|^2", "c": r"X X^T"}


@answers.wrong("kept", fails="hole c: line 4")
def kept_answers():
    """Samples as rows, as in the code."""
    return {"a": r"x_\mu^T \Theta \Phi x_\mu", "b": r"\|z_\mu\|^2", "c": r"\frac{1}{n} X^T X"}


@answers.wrong("kept", fails="hole b: reading")
def kept_answers():
    """A bracket too few."""
    return {"a": r"x_\mu^T \Theta \Phi x_\mu", "b": r"\left( z_\mu^T z_\mu", "c": r"\frac{1}{n} X X^T"}


@answers.wrong("kept", fails="hole b: forbidden")
def kept_answers():
    """Cheats: what is there, less what is lost, which says nothing."""
    return {
        "a": r"x_\mu^T \Theta \Phi x_\mu",
        "b": r"\|x_\mu\|^2 - \|x_\mu - \Theta z_\mu\|^2",
        "c": r"\frac{1}{n} X X^T",
    }


@answers.wrong("kept", fails="hole b: idle part")
def kept_answers():
    """Cheats: the line above, with a code that counts for nothing."""
    return {
        "a": r"x_\mu^T \hat{x}_\mu",
        "b": r"\|\hat{x}_\mu\|^2 + \|z_\mu\|^2 - \|z_\mu\|^2",
        "c": r"\frac{1}{n} X X^T",
    }


@answers.wrong("kept", fails="hole c: empty")
def kept_answers():
    """Cheats: hides the matrix in a constant."""
    return {
        "a": r"x_\mu^T \Theta \Phi x_\mu",
        "b": r"\|z_\mu\|^2",
        "c": r"\frac{1}{n} X X^T + \text{const}",
    }


@answers.wrong("kept", fails="type of answers")
def kept_answers():
    """A list, without the names of the holes."""
    return [r"x_\mu^T \Theta \Phi x_\mu", r"\|z_\mu\|^2", r"\frac{1}{n} X X^T"]


@answers.right("kept")
def kept_answers():
    """Inner products throughout, and the covariance by its name: the mean is zero."""
    return {"a": r"x_\mu^T \Theta \Theta^T x_\mu", "b": r"z_\mu^T z_\mu", "c": "S"}


@answers.right("kept")
def kept_answers():
    """The reconstruction by its name, a dot product, and the matrix as a sum over samples."""
    return {
        "a": r"x_\mu \cdot \hat{x}_\mu",
        "b": r"\lVert z_\mu \rVert_2^2",
        "c": r"n^{-1} \sum_{\nu=1}^{n} x_\nu x_\nu^\top",
    }


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("gradient_step", fails="value of new Theta")
def gradient_step(Theta, Phi, X, lr):
    """Goes uphill."""
    Theta, Phi = Theta.clone().requires_grad_(), Phi.clone().requires_grad_()
    loss = (X - X @ Phi.T @ Theta.T).square().sum(1).mean()
    loss.backward()
    return Theta + lr * Theta.grad, Phi + lr * Phi.grad, loss


@answers.wrong("gradient_step", fails="value of new Phi")
def gradient_step(Theta, Phi, X, lr):
    """Takes the encoder's gradient at the decoder's new place."""
    Theta, Phi = Theta.clone().requires_grad_(), Phi.clone().requires_grad_()
    loss = (X - X @ Phi.T @ Theta.T).square().sum(1).mean()
    Theta = (Theta - lr * torch.autograd.grad(loss, Theta)[0]).detach()
    again = (X - X @ Phi.T @ Theta.T).square().sum(1).mean()
    return Theta, Phi - lr * torch.autograd.grad(again, Phi)[0], loss


@answers.wrong("gradient_step", fails="value of loss")
def gradient_step(Theta, Phi, X, lr):
    """Averages over features too, so that the step is d times too short."""
    Theta, Phi = Theta.clone().requires_grad_(), Phi.clone().requires_grad_()
    loss = (X - X @ Phi.T @ Theta.T).square().mean()
    loss.backward()
    return Theta - lr * Theta.grad, Phi - lr * Phi.grad, loss


@answers.wrong("gradient_step", fails="error")
def gradient_step(Theta, Phi, X, lr):
    """Divides by an n that it never sets."""
    Theta, Phi = Theta.clone().requires_grad_(), Phi.clone().requires_grad_()
    loss = (X - X @ Phi.T @ Theta.T).square().sum() / n  # noqa: F821
    loss.backward()
    return Theta - lr * Theta.grad, Phi - lr * Phi.grad, loss


@answers.wrong("gradient_step", fails="side effect on Theta")
def gradient_step(Theta, Phi, X, lr):
    """Updates the caller's weights in place."""
    Theta.requires_grad_()
    Phi.requires_grad_()
    loss = (X - X @ Phi.T @ Theta.T).square().sum(1).mean()
    loss.backward()
    with torch.no_grad():
        Theta -= lr * Theta.grad
        Phi -= lr * Phi.grad
    return Theta, Phi, loss


@answers.wrong("gradient_step", fails="return value")
def gradient_step(Theta, Phi, X, lr):
    """Forgets to return the loss."""
    Theta, Phi = Theta.clone().requires_grad_(), Phi.clone().requires_grad_()
    (X - X @ Phi.T @ Theta.T).square().sum(1).mean().backward()
    return Theta - lr * Theta.grad, Phi - lr * Phi.grad


@answers.right("gradient_step")
def gradient_step(Theta, Phi, X, lr):
    """The gradients by hand."""
    E, Y = X - X @ Phi.T @ Theta.T, X @ Phi.T
    scale = 2 * lr / len(X)
    return Theta + scale * E.T @ Y, Phi + scale * Theta.T @ E.T @ X, (E * E).sum().item() / len(X)


@answers.right("gradient_step")
def gradient_step(Theta, Phi, X, lr):
    """An optimiser of torch's, and the package's answer to exercise 3, which it may use here."""
    Theta, Phi = torch.nn.Parameter(Theta.clone()), torch.nn.Parameter(Phi.clone())
    optimiser = torch.optim.SGD([Theta, Phi], lr=lr)
    loss = pca.squared_error(X, X @ Phi.T @ Theta.T)
    loss.backward()
    optimiser.step()
    return Theta, Phi, loss


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("largest_angle", fails="value of angle")
def largest_angle(A, B):
    """Radians."""
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    return torch.linalg.svdvals(Q_A.T @ Q_B).min().clamp(max=1).acos()


@answers.wrong("largest_angle", fails="value of angle")
def largest_angle(A, B):
    """The smallest angle."""
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    return torch.linalg.svdvals(Q_A.T @ Q_B).max().clamp(max=1).acos().rad2deg()


@answers.wrong("largest_angle", fails="value of angle")
def largest_angle(A, B):
    """Columns of length 1, but not orthogonal."""
    A, B = A / A.norm(dim=0), B / B.norm(dim=0)
    return torch.linalg.svdvals(A.T @ B).min().clamp(max=1).acos().rad2deg()


@answers.wrong("largest_angle", fails="value of angle")
def largest_angle(A, B):
    """Compares the first columns."""
    return ((A[:, 0] @ B[:, 0]) / (A[:, 0].norm() * B[:, 0].norm())).acos().rad2deg()


@answers.wrong("largest_angle", fails="shape of angle")
def largest_angle(A, B):
    """All the angles."""
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    return torch.linalg.svdvals(Q_A.T @ Q_B).clamp(max=1).acos().rad2deg()


@answers.wrong("largest_angle", fails="type of angle")
def largest_angle(A, B):
    """A sentence, not a number."""
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    return f"{torch.linalg.svdvals(Q_A.T @ Q_B).min().clamp(max=1).acos().rad2deg():.8f} degrees"


@answers.right("largest_angle")
def largest_angle(A, B):
    """By the sine, through the difference of the projectors."""
    import math

    P_A, P_B = (M @ torch.linalg.pinv(M) for M in (A, B))
    return math.degrees(math.asin(min(1.0, float(torch.linalg.matrix_norm(P_A - P_B, ord=2)))))


@answers.right("largest_angle")
def largest_angle(A, B):
    """Bases from singular vectors, cosines from eigenvalues."""
    Q_A, Q_B = (torch.linalg.svd(M, full_matrices=False).U for M in (A, B))
    squared = torch.linalg.eigvalsh(Q_A.T @ Q_B @ Q_B.T @ Q_A)
    return torch.rad2deg(torch.acos(squared[0].clamp(0, 1).sqrt()))
